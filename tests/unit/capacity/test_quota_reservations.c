/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quota_script.h"

static struct quota_reservation made(uint64_t bytes)
{
    struct quota_reservation one = {0};
    const struct quota_request it = requested(bytes);
    must_be(QUOTA_RESERVED, &it, &one);
    return one;
}

static struct quota_reservation confirmed(uint64_t bytes)
{
    struct quota_reservation one = made(bytes);
    quota_confirm(&one);
    quota_confirm(&one);
    return one;
}

static void reservations_of_others_count(void **state)
{
    (void)state;
    struct quota_reservation none = {0};
    struct quota_reservation first = confirmed(6);
    struct quota_request second = requested(4);
    uint64_t firm = 0;
    assert_int_equal(quota_reserve(all, &second, &none, &firm), QUOTA_FULL);
    assert_int_equal(firm, 6);
    assert_int_equal(quota_reservations_firm(all, "a"), 6);
    struct quota_reservation fits = confirmed(3);
    assert_int_equal(quota_reservations_firm(all, "a"), 9);
    quota_release(&first, false);
    quota_release(&first, false);
    first = confirmed(6);
    quota_release(&first, false);
    quota_release(&fits, false);
    assert_int_equal(quota_reservations_firm(all, "a"), 0);
    quota_release(&none, true);
}

static void each_key_has_its_own_reservations(void **state)
{
    (void)state;
    struct quota_reservation first = confirmed(9), other = {0};
    struct quota_request it = requested(9);
    it.key = "b";
    must_be(QUOTA_RESERVED, &it, &other);
    assert_int_equal(quota_reservations_firm(all, "b"), 0);
    quota_confirm(&other);
    assert_int_equal(quota_reservations_firm(all, "b"), 9);
    assert_int_equal(quota_reservations_firm(all, "c"), 0);
    quota_release(&first, false);
    quota_release(&other, false);
}

/* Glance may be about to refuse it: others wait, but are not refused for it. */
static void provisional_reservation_refuses_nobody(void **state)
{
    (void)state;
    struct quota_reservation first = made(6), second = {0};
    struct quota_request it = requested(6);
    assert_int_equal(quota_reservations_firm(all, "a"), 0);
    must_be(QUOTA_WAIT, &it, &second);
    it.ignore_provisional = true;
    must_be(QUOTA_RESERVED, &it, &second);
    quota_confirm(&second);
    it.ignore_provisional = false;
    it.bytes = 3;
    struct quota_reservation third = {0};
    must_be(QUOTA_WAIT, &it, &third);
    quota_release(&first, false);
    must_be(QUOTA_RESERVED, &it, &third);
    quota_release(&second, false);
    quota_release(&third, false);
}

/* A client that asked before it was stored may have got a usage without it. */
static void upload_stored_meanwhile_is_in_doubt(void **state)
{
    (void)state;
    struct quota_reservation first = confirmed(6), second = {0};
    struct quota_request it = requested(6); /* it asks now */
    quota_release(&first, true);
    must_be(QUOTA_STALE, &it, &second);
    it.bytes = 3; /* fits in any case */
    must_be(QUOTA_RESERVED, &it, &second);
    quota_release(&second, false);
    it.bytes = 6;
    it.mark = quota_reservations_mark(all); /* asks again, and still gets a usage without it */
    must_be(QUOTA_RESERVED, &it, &second);
    quota_release(&second, false);
    it.mark = 0;
    it.trust_usage = true;
    must_be(QUOTA_RESERVED, &it, &second);
    quota_release(&second, false);
    it.bytes = 10; /* does not fit in any case */
    it.trust_usage = false;
    must_be(QUOTA_FULL, &it, &second);
}

static void failed_upload_is_not_in_doubt(void **state)
{
    (void)state;
    struct quota_reservation first = confirmed(6), second = {0};
    struct quota_request it = requested(6);
    quota_release(&first, false);
    must_be(QUOTA_RESERVED, &it, &second);
    quota_release(&second, false);
}

/* Numbers that clients choose. */
static void sums_do_not_overflow(void **state)
{
    (void)state;
    struct quota_reservation first = {0}, second = {0};
    struct quota_request it = requested(UINT64_MAX - 1);
    it.left = UINT64_MAX;
    must_be(QUOTA_RESERVED, &it, &first);
    quota_confirm(&first);
    it.bytes = 2;
    must_be(QUOTA_FULL, &it, &second);
    it.bytes = 1;
    must_be(QUOTA_RESERVED, &it, &second);
    quota_release(&first, false);
    quota_release(&second, false);
}

/* At any place of a row in its shard. */
static void reservations_are_released_in_any_order(void **state)
{
    (void)state;
    enum { KEYS = 200 };
    struct quota_reservation rows[KEYS] = {{0}};
    for (size_t i = 0; i < KEYS; i++) {
        char key[16];
        struct quota_request it = requested(1);
        snprintf(key, sizeof key, "key-%zu", i);
        it.key = key;
        must_be(QUOTA_RESERVED, &it, &rows[i]);
    }
    for (size_t i = 0; i < KEYS; i++)
        quota_release(&rows[(i * 77) % KEYS], i % 2 == 0);
}

static void reservations_may_be_absent(void **state)
{
    (void)state;
    struct quota_reservation none = {0};
    quota_confirm(&none);
    quota_release(&none, true);
    quota_reservations_free(NULL);
}

/* --- threads --------------------------------------------------------------------------------- */

enum { WORKERS = 4, TIMES = 5000 };

static atomic_int in_flight;
static atomic_uint taken, wrong;

static void upload_once(unsigned bytes)
{
    struct quota_reservation one = {0};
    const struct quota_request it = requested(bytes);
    uint64_t firm;
    if (quota_reserve(all, &it, &one, &firm) != QUOTA_RESERVED)
        return;
    taken++;
    wrong += atomic_fetch_add(&in_flight, (int)bytes) + (int)bytes > 9;
    if (bytes % 2)
        quota_confirm(&one);
    wrong += quota_reservations_firm(all, "a") > 9;
    atomic_fetch_sub(&in_flight, (int)bytes);
    quota_release(&one, bytes % 3 == 0);
}

static void *upload_often(void *context)
{
    unsigned seed = *(unsigned *)context;
    for (int i = 0; i < TIMES; i++)
        upload_once(1 + (unsigned)rand_r(&seed) % 9);
    return NULL;
}

static void workers_share_them(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    unsigned seeds[WORKERS] = {1, 2, 3, 4};
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, upload_often, &seeds[i]), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(wrong, 0);
    assert_true(taken > 0);
    assert_int_equal(quota_reservations_firm(all, "a"), 0);
}

static void bytes_that_were_stored_since_a_mark_are_told(void **state)
{
    (void)state;
    struct quota_reservation one = confirmed(6);
    uint64_t mark = quota_reservations_mark(all);
    assert_int_equal(quota_reservations_since(all, "a", mark), 0);
    quota_release(&one, false);
    assert_int_equal(quota_reservations_since(all, "a", mark), 0);
    one = confirmed(6);
    quota_release(&one, true);
    assert_int_equal(quota_reservations_since(all, "a", mark), 6);
    quota_stored(all, "a", 2); /* it had no reservation */
    assert_int_equal(quota_reservations_since(all, "a", mark), 8);
    assert_int_equal(quota_reservations_since(all, "a", quota_reservations_mark(all)), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reservations_of_others_count),
        TEST(each_key_has_its_own_reservations),
        TEST(provisional_reservation_refuses_nobody),
        TEST(upload_stored_meanwhile_is_in_doubt),
        TEST(failed_upload_is_not_in_doubt),
        TEST(sums_do_not_overflow),
        TEST(reservations_are_released_in_any_order),
        TEST(reservations_may_be_absent),
        TEST(workers_share_them),
        TEST(bytes_that_were_stored_since_a_mark_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
