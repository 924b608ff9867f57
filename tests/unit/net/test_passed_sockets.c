/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that are passed by the variables of sd_listen_fds(3). The descriptors from 3 on belong to
 * the tests here. */
#include "intake/passed_sockets.h"
#include "support/scratch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIRST = 3 };

static struct sockaddr_in ipv4(const char *host)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
    return in;
}

/* Puts a socket at this address, with a port that was free, at the descriptor. */
static struct sockaddr_in socket_at(int fd, const char *host, bool listens)
{
    struct sockaddr_in in = ipv4(host);
    socklen_t length = sizeof in;
    int made = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(made, (struct sockaddr *)&in, length), 0);
    assert_int_equal(getsockname(made, (struct sockaddr *)&in, &length), 0);
    if (listens)
        assert_int_equal(listen(made, 8), 0);
    if (made != fd) {
        assert_int_equal(dup2(made, fd), fd);
        close(made);
    }
    return in;
}

static void pass(int count, const char *names)
{
    char text[32];
    snprintf(text, sizeof text, "%d", count);
    assert_int_equal(setenv("LISTEN_FDS", text, 1), 0);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
    assert_int_equal(setenv("LISTEN_FDNAMES", names, 1), 0);
}

static void assert_reads(struct passed_sockets *passed)
{
    char error[256] = "";
    if (!passed_sockets_read(passed, error, sizeof error))
        fail_msg("%s", error);
}

static int take(struct passed_sockets *passed, const struct sockaddr_in *address, bool *own)
{
    return passed_sockets_take(passed, (const struct sockaddr *)address, own);
}

static void a_socket_goes_to_its_address(void **state)
{
    (void)state;
    struct passed_sockets passed;
    bool own = true;
    const struct sockaddr_in first = socket_at(FIRST, "127.0.0.1", true);
    const struct sockaddr_in second = socket_at(FIRST + 1, "127.0.0.1", true);
    pass(2, "web:own");
    assert_reads(&passed);
    assert_int_equal(passed.count, 2);
    assert_null(getenv("LISTEN_FDS"));
    assert_int_equal(take(&passed, &second, &own), FIRST + 1);
    assert_true(own);
    assert_int_equal(take(&passed, &second, &own), -1);
    assert_int_equal(take(&passed, &first, &own), FIRST);
    assert_false(own);
    assert_true(fcntl(FIRST, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(FIRST, F_GETFD) & FD_CLOEXEC);
    passed_sockets_free(&passed);
    close(FIRST);
    close(FIRST + 1);
}

static void a_similar_address_is_another_one(void **state)
{
    (void)state;
    struct passed_sockets passed;
    struct sockaddr_in in = socket_at(FIRST, "127.0.0.1", true);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = in.sin_port};
    char text[64];
    char expected[64];
    bool own;
    pass(1, "");
    assert_reads(&passed);
    snprintf(expected, sizeof expected, "127.0.0.1:%d", ntohs(in.sin_port));
    in.sin_addr.s_addr = htonl(INADDR_ANY);
    assert_int_equal(take(&passed, &in, &own), -1);
    assert_int_equal(passed_sockets_take(&passed, (struct sockaddr *)&in6, &own), -1);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in.sin_port = (in_port_t)~in.sin_port;
    assert_int_equal(take(&passed, &in, &own), -1);
    passed_socket_address(&passed.all[0], text, sizeof text);
    assert_string_equal(text, expected);
    passed_sockets_free(&passed);
    assert_int_equal(fcntl(FIRST, F_GETFD), -1); /* what nobody takes is closed */
}

static void a_unix_socket_goes_to_its_path(void **state)
{
    struct passed_sockets passed;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char text[256];
    char expected[256];
    bool own;
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", scratch_path(state, "s"));
    assert_int_equal(bind(made, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(made, 1), 0);
    assert_int_equal(made, FIRST);
    pass(1, "own");
    assert_reads(&passed);
    passed_socket_address(&passed.all[0], text, sizeof text);
    snprintf(expected, sizeof expected, "unix:%s", un.sun_path);
    assert_string_equal(text, expected);
    assert_int_equal(passed_sockets_take(&passed, (struct sockaddr *)&un, &own), FIRST);
    passed_sockets_free(&passed);
    close(FIRST);
}

static void none_are_passed_to_another_process(void **state)
{
    (void)state;
    struct passed_sockets passed;
    pass(1, "");
    assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
    assert_reads(&passed);
    assert_int_equal(passed.count, 0);
    passed_sockets_free(&passed);
}

static void assert_refused(const char *expected)
{
    struct passed_sockets passed;
    char error[256] = "";
    assert_false(passed_sockets_read(&passed, error, sizeof error));
    if (!strstr(error, expected))
        fail_msg("no \"%s\" in: %s", expected, error);
    passed_sockets_free(&passed);
}

static void what_cannot_be_used_is_refused(void **state)
{
    (void)state;
    socket_at(FIRST, "127.0.0.1", false);
    pass(1, "");
    assert_refused("descriptor 3 was passed as a listening socket: it does not listen");
    pass(1, "");
    assert_refused("LISTEN_FDS"); /* it is closed */
    pass(1, "");
    assert_int_equal(setenv("LISTEN_FDS", "many", 1), 0);
    assert_refused("LISTEN_FDS");
}

int main(void)
{
    closefrom(FIRST);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_goes_to_its_address),
        cmocka_unit_test(a_similar_address_is_another_one),
        cmocka_unit_test_setup_teardown(a_unix_socket_goes_to_its_path, scratch_begin, scratch_end),
        cmocka_unit_test(none_are_passed_to_another_process),
        cmocka_unit_test(what_cannot_be_used_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
