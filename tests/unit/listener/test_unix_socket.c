/* SPDX-License-Identifier: Apache-2.0 */
/* Listening unix sockets, through sockets_open(). */
#include "support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <cmocka.h>

#include "bind_addresses.h"

enum { WORKERS = 2 };

static struct bind_address unix_address(const char *path)
{
    struct bind_address address = {.text = "the socket", .length = sizeof(struct sockaddr_un)};
    struct sockaddr_un *to = (struct sockaddr_un *)&address.address;
    to->sun_family = AF_UNIX;
    assert_true(strlen(path) < sizeof to->sun_path);
    strcpy(to->sun_path, path);
    return address;
}

static int connected(const struct bind_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address->address, address->length), 0);
    return fd;
}

static void assert_refused(const struct bind_address *address, const char *why)
{
    int sockets[WORKERS];
    char error[256] = "", expected[256];
    assert_false(opens(address, 1, WORKERS, sockets, error, sizeof error));
    snprintf(expected, sizeof expected, "cannot listen on the socket: %s", why);
    assert_string_equal(error, expected);
}

static void workers_share_one_socket(void **state)
{
    const struct bind_address address = unix_address(scratch_path(state, "s"));
    int sockets[WORKERS];
    assert_opens(&address, 1, WORKERS, sockets);
    for (int i = 0; i < WORKERS; i++) {
        int client = connected(&address);
        int accepted = accept4(sockets[i], NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        close(accepted);
        close(client);
    }
    close_all(sockets, WORKERS);
}

static void everybody_may_connect(void **state)
{
    const char *path = scratch_path(state, "s");
    const struct bind_address address = unix_address(path);
    struct stat status;
    int sockets[WORKERS];
    mode_t before = umask(0077);
    assert_opens(&address, 1, WORKERS, sockets);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    close_all(sockets, WORKERS);
}

static void a_socket_that_was_left_behind_is_replaced(void **state)
{
    const struct bind_address address = unix_address(scratch_path(state, "s"));
    int sockets[WORKERS];
    for (int round = 0; round < 2; round++) {
        assert_opens(&address, 1, WORKERS, sockets);
        close(connected(&address));
        close_all(sockets, WORKERS);
    }
}

static void a_socket_in_use_is_refused_and_stays(void **state)
{
    const struct bind_address address = unix_address(scratch_path(state, "s"));
    int sockets[WORKERS];
    assert_opens(&address, 1, WORKERS, sockets);
    assert_refused(&address, "Address already in use");
    remove_files(&address, true);
    close(connected(&address));
    close_all(sockets, WORKERS);
}

static void another_file_is_refused_and_stays(void **state)
{
    const char *path = scratch_file(state, "s", "text");
    const struct bind_address address = unix_address(path);
    assert_refused(&address, "Address already in use");
    remove_files(&address, true);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_missing_directory_is_named(void **state)
{
    char path[256];
    snprintf(path, sizeof path, "%s/s", scratch_path(state, "absent"));
    const struct bind_address address = unix_address(path);
    assert_refused(&address, "No such file or directory");
}

static void the_file_goes_with_the_sockets(void **state)
{
    const char *path = scratch_path(state, "s");
    const struct bind_address binds[] = {unix_address(path), free_address()};
    int sockets[2 * WORKERS];
    assert_opens(binds, 2, WORKERS, sockets);
    close_all(sockets, 2 * WORKERS);
    remove_files(&binds[0], true);
    assert_int_not_equal(access(path, F_OK), 0);
    remove_files(&binds[0], true);
}

/* The service manager removes the file of its socket. To connect to it would start the service. */
static void the_file_of_another_program_stays(void **state)
{
    const char *path = scratch_path(state, "s");
    const struct bind_address address = unix_address(path);
    int sockets[WORKERS];
    assert_opens(&address, 1, WORKERS, sockets);
    close_all(sockets, WORKERS);
    remove_files(&address, false);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_failed_start_leaves_no_file(void **state)
{
    const char *path = scratch_path(state, "s");
    const struct bind_address binds[] = {unix_address(path), address_at("192.0.2.1", 9292)};
    int sockets[2 * WORKERS];
    char error[256];
    assert_false(opens(binds, 2, WORKERS, sockets, error, sizeof error));
    assert_int_not_equal(access(path, F_OK), 0);
}

/* --- two instances that start at the same moment ----------------------------------------- */

enum { ROUNDS = 100 };

struct instance {
    const struct bind_address *address;
    pthread_barrier_t *start;
    int sockets[WORKERS];
    bool has_it;
};

static void *start_instance(void *context)
{
    struct instance *instance = context;
    char error[256];
    pthread_barrier_wait(instance->start);
    instance->has_it = opens(instance->address, 1, WORKERS, instance->sockets, error, sizeof error);
    return NULL;
}

/* Each round begins with the file of the round before. */
static void one_of_two_instances_gets_the_socket(void **state)
{
    const struct bind_address address = unix_address(scratch_path(state, "s"));
    pthread_barrier_t start;
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct instance a = {.address = &address, .start = &start}, b = a;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, start_instance, &a), 0);
        start_instance(&b);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(a.has_it != b.has_it);
        close(connected(&address));
        close_all(a.has_it ? a.sockets : b.sockets, WORKERS);
    }
    pthread_barrier_destroy(&start);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(workers_share_one_socket),
        TEST(everybody_may_connect),
        TEST(a_socket_that_was_left_behind_is_replaced),
        TEST(a_socket_in_use_is_refused_and_stays),
        TEST(another_file_is_refused_and_stays),
        TEST(a_missing_directory_is_named),
        TEST(the_file_goes_with_the_sockets),
        TEST(the_file_of_another_program_stays),
        TEST(a_failed_start_leaves_no_file),
        TEST(one_of_two_instances_gets_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
