/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of sockets, one end of which belongs to a connection. A read between hook_begin() and
 * hook_end() counts as one of libmicrohttpd's. */
#include "listener/listener_priv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
    struct listener listener;
    struct connection connection;
    int client;
    char got[256];
};

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    int ends[2];
    if (!scene || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    scene->listener.parts.loop = loop_new();
    scene->connection.listener = &scene->listener;
    scene->connection.socket.fd = ends[0];
    scene->connection.timed_head = 1; /* no timer, so no settings are needed */
    scene->client = ends[1];
    *state = scene;
    return scene->listener.parts.loop && hook_add(&scene->listener, ends[0], &scene->connection)
               ? 0
               : -1;
}

static int end(void **state)
{
    struct scene *scene = *state;
    task_cancel(scene->listener.parts.loop, &scene->connection.fault_check);
    loop_free(scene->listener.parts.loop);
    close(scene->client);
    close(scene->connection.socket.fd);
    free(scene->listener.by_fd);
    free(scene);
    return 0;
}

static void says(struct scene *scene, const char *text, size_t count)
{
    assert_int_equal(write(scene->client, text, count), count);
}

static ssize_t read_with(struct scene *scene, int flags, size_t room)
{
    return recv(scene->connection.socket.fd, scene->got, room, flags);
}

static ssize_t mhd_reads(struct scene *scene)
{
    hook_begin(&scene->listener);
    ssize_t count = read_with(scene, 0, sizeof scene->got);
    hook_end();
    return count;
}

static const char FOLDED[] = "GET / HTTP/1.1\r\n Host: h\r\n\r\n";
static const size_t SOUND = sizeof "GET / HTTP/1.1\r\n" - 1;

static void linker_finds_the_replacement(void **state)
{
    (void)state;
    assert_true(hook_in_place());
    assert_null(listener_fault());
}

static void only_reads_of_libmicrohttpd_are_checked(void **state)
{
    struct scene *scene = *state;
    ssize_t all = sizeof FOLDED - 1;
    says(scene, FOLDED, (size_t)all);
    assert_int_equal(read_with(scene, MSG_PEEK, sizeof scene->got), all);
    hook_begin(&scene->listener);
    assert_int_equal(read_with(scene, MSG_DONTWAIT, sizeof scene->got), all);
    hook_end();
    says(scene, FOLDED, (size_t)all);
    assert_int_equal(read_with(scene, 0, sizeof scene->got), all);
    assert_int_equal(scene->connection.guard.heads, 0);
}

static void no_bytes_pass_after_a_fault(void **state)
{
    struct scene *scene = *state;
    says(scene, FOLDED, sizeof FOLDED - 1);
    assert_int_equal(mhd_reads(scene), SOUND);
    assert_memory_equal(scene->got, FOLDED, SOUND);
    says(scene, FOLDED, sizeof FOLDED - 1);
    assert_int_equal(mhd_reads(scene), -1);
    assert_int_equal(errno, EAGAIN);
    assert_non_null(scene->connection.fault_check.place.next); /* it will be refused */
}

static void read_continues_after_bytes_were_dropped(void **state)
{
    struct scene *scene = *state;
    static const char head[] = "GET / HTTP/1.1\r\nContent-Length:          0          \r\n\r\n";
    static const char kept[] = "GET / HTTP/1.1\r\nContent-Length:0\r\n\r\n";
    size_t room = 32; /* less than the head with its whitespace */
    size_t got = 0;
    says(scene, head, sizeof head - 1);
    hook_begin(&scene->listener);
    assert_int_equal(recv(scene->connection.socket.fd, scene->got, room, 0), room);
    got = room + (size_t)recv(scene->connection.socket.fd, scene->got + room, room, 0);
    hook_end();
    assert_int_equal(got, sizeof kept - 1);
    assert_memory_equal(scene->got, kept, got);
    assert_int_equal(scene->connection.guard.heads, 1);
    assert_int_equal(mhd_reads(scene), -1);
}

/* 0 would mean the end of the connection. */
static void read_of_dropped_bytes_alone_returns_eagain(void **state)
{
    struct scene *scene = *state;
    static const char begin_of_head[] = "GET / HTTP/1.1\r\nContent-Length:";
    says(scene, begin_of_head, sizeof begin_of_head - 1);
    assert_int_equal(mhd_reads(scene), sizeof begin_of_head - 1);
    says(scene, "   ", 3);
    assert_int_equal(mhd_reads(scene), -1);
    assert_int_equal(errno, EAGAIN);
}

static void end_of_the_connection_is_passed_on(void **state)
{
    struct scene *scene = *state;
    says(scene, "GET", 3);
    assert_int_equal(shutdown(scene->client, SHUT_WR), 0);
    assert_int_equal(mhd_reads(scene), 3);
    assert_int_equal(mhd_reads(scene), 0);
}

static void connection_that_was_cut_off_reads_as_ended(void **state)
{
    struct scene *scene = *state;
    says(scene, "GET", 3);
    scene->connection.reads_eof = true;
    assert_int_equal(mhd_reads(scene), 0);
}

/* GnuTLS reads the header of a TLS record. */
static ssize_t gnutls_reads(struct scene *scene)
{
    enum { RECORD_HEAD = 5 };
    scene->connection.tls = true;
    hook_begin(&scene->listener);
    ssize_t count = read_with(scene, 0, RECORD_HEAD);
    hook_end();
    return count;
}

static void tls_record_is_left_to_gnutls(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(gnutls_reads(scene), -1); /* nothing has arrived */
    assert_false(scene->connection.first_byte_seen);
    says(scene, "\x16\x03\x01\0\x05GET /", 10);
    assert_int_equal(gnutls_reads(scene), 5);
    assert_memory_equal(scene->got, "\x16\x03\x01\0\x05", 5);
    assert_int_equal(gnutls_reads(scene), 5); /* only the first byte of a connection is checked */
    assert_false(scene->connection.plain_http);
    assert_int_equal(scene->connection.guard.heads, 0);
}

static void plain_http_is_hidden_from_gnutls(void **state)
{
    struct scene *scene = *state;
    says(scene, "HEAD / HTTP/1.1\r\n", 17);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gnutls_reads(scene), -1);
        assert_int_equal(errno, EAGAIN);
    }
    const struct guard *guard = &scene->connection.guard;
    assert_int_equal(guard->refusal, REFUSAL_PLAIN_HTTP);
    assert_int_equal(guard->heads, 1);
    assert_true(guard_in_head(guard) && guard_method_is_head(guard));
    assert_non_null(scene->connection.fault_check.place.next); /* it will be refused */
    assert_int_equal(read_with(scene, MSG_PEEK, sizeof scene->got), 17);
    scene->connection.reads_eof = true;
    assert_int_equal(gnutls_reads(scene), 0);
}

static void removed_connection_is_not_checked(void **state)
{
    struct scene *scene = *state;
    hook_remove(&scene->listener, scene->connection.socket.fd);
    says(scene, FOLDED, sizeof FOLDED - 1);
    assert_int_equal(mhd_reads(scene), sizeof FOLDED - 1);
    assert_int_equal(scene->connection.guard.heads, 0);
}

int main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linker_finds_the_replacement),
        WITH_SCENE(only_reads_of_libmicrohttpd_are_checked),
        WITH_SCENE(no_bytes_pass_after_a_fault),
        WITH_SCENE(read_continues_after_bytes_were_dropped),
        WITH_SCENE(read_of_dropped_bytes_alone_returns_eagain),
        WITH_SCENE(end_of_the_connection_is_passed_on),
        WITH_SCENE(connection_that_was_cut_off_reads_as_ended),
        WITH_SCENE(tls_record_is_left_to_gnutls),
        WITH_SCENE(plain_http_is_hidden_from_gnutls),
        WITH_SCENE(removed_connection_is_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
