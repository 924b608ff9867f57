/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/capacity.h"
#include "intake/tally.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct capacity *capacity;

static int set_up(void **state)
{
    (void)state;
    capacity = capacity_new();
    return capacity ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    capacity_free(capacity);
    return 0;
}

static struct capacity_reservation take(const char *store, uint64_t bytes, uint64_t used,
                                        uint64_t limit)
{
    struct capacity_reservation room = {0};
    uint64_t in_flight;
    assert_int_equal(capacity_reserve(capacity, store, bytes, used, limit, &room, &in_flight),
                     CAPACITY_RESERVED);
    assert_ptr_equal(room.capacity, capacity);
    return room;
}

static void must_be_full(const char *store, uint64_t bytes, uint64_t used, uint64_t limit,
                         uint64_t others)
{
    struct capacity_reservation room = {0};
    uint64_t in_flight = 4711;
    assert_int_equal(capacity_reserve(capacity, store, bytes, used, limit, &room, &in_flight),
                     CAPACITY_FULL);
    assert_int_equal(in_flight, others);
    assert_null(room.capacity);
}

static void quota_is_exact_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes, used, limit;
        enum capacity_outcome outcome;
    } rows[] = {
        {1, 0, 1, CAPACITY_RESERVED},
        {2, 0, 1, CAPACITY_FULL},
        {60, 40, 100, CAPACITY_RESERVED},
        {61, 40, 100, CAPACITY_FULL},
        {0, 100, 100, CAPACITY_RESERVED},
        {0, 101, 100, CAPACITY_FULL}, /* over its quota already */
        {1, 0, 0, CAPACITY_FULL},
        {UINT64_MAX, 0, UINT64_MAX, CAPACITY_RESERVED},
        {UINT64_MAX, 1, UINT64_MAX, CAPACITY_FULL},
        {UINT64_MAX, UINT64_MAX, 100, CAPACITY_FULL},
        {1, UINT64_MAX, UINT64_MAX, CAPACITY_FULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capacity_reservation room = {0};
        uint64_t in_flight;
        if (capacity_reserve(capacity, "test", rows[i].bytes, rows[i].used, rows[i].limit, &room,
                             &in_flight) != rows[i].outcome)
            fail_msg("row %zu", i);
        assert_int_equal(in_flight, 0);
        capacity_release(&room);
        assert_null(room.capacity);
    }
}

static void uploads_in_flight_count_as_used(void **state)
{
    (void)state;
    struct capacity_reservation first = take("test", 40, 10, 100);
    must_be_full("test", 51, 10, 100, 40);
    struct capacity_reservation second = take("test", 50, 10, 100);
    must_be_full("test", 1, 10, 100, 90);
    must_be_full("test", UINT64_MAX, 0, UINT64_MAX, 90);
    capacity_release(&first);
    must_be_full("test", 41, 10, 100, 50);
    struct capacity_reservation third = take("test", 40, 10, 100);
    capacity_release(&second);
    capacity_release(&third);
    capacity_release(&third); /* is none now */
    third = take("test", 90, 10, 100);
    capacity_release(&third);
}

static void each_store_has_its_own_capacity(void **state)
{
    (void)state;
    struct capacity_reservation test = take("test", 100, 0, 100);
    struct capacity_reservation gold = take("gold", 100, 0, 100);
    struct capacity_reservation file = take("file", 0, 0, 0);
    must_be_full("test", 1, 0, 100, 100);
    must_be_full("gold", 1, 0, 100, 100);
    must_be_full("file", 1, 0, 0, 0);
    capacity_release(&gold);
    must_be_full("test", 1, 0, 100, 100);
    gold = take("gold", 1, 0, 1);
    capacity_release(&test);
    capacity_release(&file);
    capacity_release(&gold);
}

static void capacity_may_be_absent(void **state)
{
    (void)state;
    struct capacity_reservation none = {0};
    capacity_release(&none);
    capacity_free(NULL);
}

/* It reserves nothing, and counts as no end. */
static void room_may_be_asked_for(void **state)
{
    (void)state;
    uint64_t in_flight = 4711;
    assert_true(capacity_has_room(capacity, "test", 10, 0, 10, &in_flight));
    assert_int_equal(in_flight, 0);
    struct capacity_reservation room = take("test", 4, 0, 10);
    assert_true(capacity_has_room(capacity, "test", 6, 0, 10, &in_flight));
    assert_int_equal(in_flight, 4);
    assert_false(capacity_has_room(capacity, "test", 7, 0, 10, &in_flight));
    assert_true(capacity_has_room(capacity, "file", 7, 0, 10, &in_flight));
    assert_int_equal(capacity_ended(capacity), 0);
    capacity_release(&room);
    capacity_release(&room); /* is none now */
    assert_int_equal(capacity_ended(capacity), 1);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { WORKERS = 4, TIMES = 10000, LIMIT = 10 };

static _Atomic int64_t held;
static atomic_uint wrong;

static void *take_and_give_back(void *context)
{
    unsigned seed = *(unsigned *)context;
    for (int i = 0; i < TIMES; i++) {
        struct capacity_reservation room = {0};
        uint64_t in_flight;
        uint64_t bytes = 1 + (unsigned)rand_r(&seed) % 6;
        if (capacity_reserve(capacity, "test", bytes, 0, LIMIT, &room, &in_flight) ==
            CAPACITY_RESERVED) {
            wrong += atomic_fetch_add(&held, (int64_t)bytes) + (int64_t)bytes > LIMIT;
            atomic_fetch_sub(&held, (int64_t)bytes);
        } else {
            wrong += in_flight + bytes <= LIMIT;
        }
        capacity_release(&room);
    }
    return NULL;
}

static void workers_share_them(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    unsigned seeds[WORKERS] = {1, 2, 3, 4};
    held = 0;
    wrong = 0;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back, &seeds[i]), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(held, 0);
    struct capacity_reservation room = take("test", LIMIT, 0, LIMIT); /* all of it is back */
    capacity_release(&room);
}

static void bytes_at_other_proxies_count(void **state)
{
    (void)state;
    struct capacity_reservation own = take("test", 30, 0, 100), other = {0};
    struct tally *elsewhere = tally_new(), *told = tally_new();
    uint64_t in_flight, ended = capacity_ended(capacity), own_ended;
    assert_non_null(elsewhere);
    assert_true(tally_add(elsewhere, "test", (struct tally_bytes){40, 0}));
    capacity_hear(capacity, elsewhere, true);
    assert_int_equal(capacity_ended(capacity), ended + 1);
    assert_int_equal(capacity_reserve(capacity, "test", 31, 0, 100, &other, &in_flight),
                     CAPACITY_FULL_ELSEWHERE);
    assert_int_equal(in_flight, 70);
    assert_int_equal(capacity_reserve(capacity, "test", 71, 0, 100, &other, &in_flight),
                     CAPACITY_FULL);
    assert_int_equal(capacity_reserve(capacity, "test", 30, 0, 100, &other, &in_flight),
                     CAPACITY_RESERVED);
    assert_true(capacity_tell(capacity, told, &own_ended));
    assert_int_equal(tally_find(told, "test").firm, 60); /* its own */
    assert_int_equal(own_ended, 0);
    capacity_release(&own);
    capacity_release(&other);
    capacity_hear(capacity, NULL, false);
    other = take("test", 100, 0, 100);
    capacity_release(&other);
    tally_free(told);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(quota_is_exact_to_the_byte),      TEST(uploads_in_flight_count_as_used),
        TEST(each_store_has_its_own_capacity), TEST(capacity_may_be_absent),
        TEST(room_may_be_asked_for),           TEST(workers_share_them),
        TEST(bytes_at_other_proxies_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
