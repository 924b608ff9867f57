/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses at which no socket can listen: taken, shared, or of another machine. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bind_addresses.h"

static int listening(const struct bind_address *address, bool reuse_port)
{
    int fd = bound(address, reuse_port);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* The lowest free descriptor. It is higher if a descriptor was left open. */
static int next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void assert_refused(const struct bind_address *binds, size_t count, const char *expected)
{
    int sockets[8];
    char error[256] = "";
    int before = next_descriptor();
    assert_false(opens(binds, count, 2, sockets, error, sizeof error));
    assert_string_equal(error, expected);
    assert_int_equal(next_descriptor(), before);
}

static const char TAKEN[] = "cannot listen on the address: Address already in use";

static void taken_port_is_refused(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    int other = listening(&address, false);
    assert_refused(&address, 1, TAKEN);
    close(other);
}

/* With SO_REUSEPORT the kernel would let a program of the same user share the port. */
static void shared_port_is_refused(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    const int others[] = {listening(&address, true), listening(&address, true)};
    assert_refused(&address, 1, TAKEN);
    close_all(others, 2);
}

static void port_of_another_instance_is_refused(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    int sockets[3];
    assert_opens(&address, 1, 3, sockets);
    assert_refused(&address, 1, TAKEN);
    close_all(sockets, 3);
    assert_opens(&address, 1, 3, sockets);
    close_all(sockets, 3);
}

static void same_address_twice_is_refused(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    const struct bind_address binds[] = {address, address};
    assert_refused(binds, 2, TAKEN);
}

static void one_taken_address_refuses_all(void **state)
{
    (void)state;
    struct bind_address binds[2] = {free_address()};
    int other = listening(&binds[0], false);
    binds[1] = binds[0];
    binds[1].text = "the second";
    binds[0] = free_address();
    assert_refused(binds, 2, "cannot listen on the second: Address already in use");
    close(listening(&binds[0], false)); /* no socket is left on the first */
    close(other);
}

static void address_of_another_machine_is_refused(void **state)
{
    (void)state;
    const struct bind_address address = address_at("192.0.2.1", 9292);
    assert_refused(&address, 1, "cannot listen on the address: Cannot assign requested address");
}

/* --- two instances that start at the same moment ----------------------------------------- */

enum { ROUNDS = 500, WORKERS_EACH = 2 };

struct instance {
    const struct bind_address *address;
    pthread_barrier_t *start;
    int sockets[WORKERS_EACH];
    bool has_it;
};

static void *start_instance(void *context)
{
    struct instance *instance = context;
    char error[256];
    pthread_barrier_wait(instance->start);
    instance->has_it =
        opens(instance->address, 1, WORKERS_EACH, instance->sockets, error, sizeof error);
    return NULL;
}

static void instances_that_start_at_once_share_no_port(void **state)
{
    (void)state;
    pthread_barrier_t start;
    int had = 0;
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int round = 0; round < ROUNDS; round++) {
        const struct bind_address address = free_address();
        struct instance a = {.address = &address, .start = &start}, b = a;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, start_instance, &a), 0);
        start_instance(&b);
        assert_int_equal(pthread_join(thread, NULL), 0);
        close_all(a.sockets, a.has_it ? WORKERS_EACH : 0);
        close_all(b.sockets, b.has_it ? WORKERS_EACH : 0);
        if (a.has_it && b.has_it)
            fail_msg("round %d: both have the port", round);
        had += a.has_it || b.has_it;
    }
    assert_true(had > 0); /* rarely, each prevents the other */
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_port_is_refused),
        cmocka_unit_test(shared_port_is_refused),
        cmocka_unit_test(port_of_another_instance_is_refused),
        cmocka_unit_test(same_address_twice_is_refused),
        cmocka_unit_test(one_taken_address_refuses_all),
        cmocka_unit_test(address_of_another_machine_is_refused),
        cmocka_unit_test(instances_that_start_at_once_share_no_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
