/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that were passed to the program, through sockets_open(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bind_addresses.h"

/* As many own sockets at one address as another process had workers. */
static struct passed_sockets passed_at(const struct bind_address *address, unsigned count)
{
    struct passed_sockets passed = {.all = calloc(count, sizeof *passed.all), .count = count};
    int sockets[8];
    assert_non_null(passed.all);
    assert_opens(address, 1, count, sockets);
    for (unsigned i = 0; i < count; i++)
        passed.all[i] = (struct passed_socket){
            .fd = sockets[i], .own = true, .address = address->address, .length = address->length};
    return passed;
}

static struct listening_sockets opened(const struct bind_address *binds, size_t count,
                                       unsigned workers, struct passed_sockets *passed)
{
    struct listening_sockets sockets;
    char error[256] = "";
    if (!sockets_open(binds, count, workers, passed, &sockets, error, sizeof error))
        fail_msg("%s", error);
    return sockets;
}

static void end(struct listening_sockets *sockets, struct passed_sockets *passed)
{
    for (size_t i = 0; i < sockets->count; i++)
        close(sockets->all[i].fd);
    sockets_free(sockets);
    passed_sockets_free(passed);
}

static bool same_socket(int a, int b)
{
    struct stat one;
    struct stat other;
    assert_int_equal(fstat(a, &one), 0);
    assert_int_equal(fstat(b, &other), 0);
    return one.st_ino == other.st_ino;
}

/* Connections may wait in any of them. */
static void fewer_workers_take_all(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    struct passed_sockets passed = passed_at(&address, 5);
    struct listening_sockets sockets = opened(&address, 1, 2, &passed);
    unsigned of_worker[2] = {0};
    assert_int_equal(sockets.count, 5);
    for (size_t i = 0; i < sockets.count; i++) {
        assert_false(sockets.all[i].shared);
        of_worker[sockets.all[i].worker]++;
    }
    assert_int_equal(of_worker[0], 3);
    assert_int_equal(of_worker[1], 2);
    end(&sockets, &passed);
}

static void more_workers_share_them(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    struct passed_sockets passed = passed_at(&address, 2);
    struct listening_sockets sockets = opened(&address, 1, 5, &passed);
    assert_int_equal(sockets.count, 5);
    for (size_t i = 0; i < sockets.count; i++) {
        assert_int_equal(sockets.all[i].worker, i);
        assert_int_equal(sockets.all[i].shared, i >= 2);
        assert_true(sockets.all[i].own);
        assert_true(same_socket(sockets.all[i].fd, sockets.all[i % 2].fd));
    }
    end(&sockets, &passed);
}

static void other_addresses_are_opened_as_ever(void **state)
{
    (void)state;
    struct bind_address binds[2] = {free_address()};
    struct passed_sockets passed = passed_at(&binds[0], 1);
    do
        binds[1] = free_address();
    while (memcmp(&binds[0].address, &binds[1].address, binds[0].length) == 0);
    struct listening_sockets sockets = opened(binds, 2, 2, &passed);
    assert_int_equal(sockets.count, 4);
    assert_int_equal(port_of(sockets.all[0].fd), port_of(sockets.all[1].fd));
    assert_false(same_socket(sockets.all[2].fd, sockets.all[3].fd));
    end(&sockets, &passed);
}

/* The list has all that was passed, so that it is closed. */
static void a_failure_closes_what_was_passed(void **state)
{
    (void)state;
    const struct bind_address binds[] = {free_address(), address_at("192.0.2.1", 9292)};
    struct passed_sockets passed = passed_at(&binds[0], 2);
    struct listening_sockets sockets;
    char error[256] = "";
    assert_false(sockets_open(binds, 2, 2, &passed, &sockets, error, sizeof error));
    assert_non_null(strstr(error, "Cannot assign requested address"));
    close(bound(&binds[0], false));
    passed_sockets_free(&passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_workers_take_all),
        cmocka_unit_test(more_workers_share_them),
        cmocka_unit_test(other_addresses_are_opened_as_ever),
        cmocka_unit_test(a_failure_closes_what_was_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
