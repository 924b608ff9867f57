/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/upload_locks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct upload_locks *upload_locks;

static int set_up(void **state)
{
    (void)state;
    upload_locks = upload_locks_new();
    return upload_locks ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    upload_locks_free(upload_locks);
    return 0;
}

static const struct upload_lock_facts FACTS = {
    .began_wall_ms = 1700000000000, .size_known = true, .size = 300};
static _Atomic uint64_t bytes;

static struct upload_lock *enter(const char *image)
{
    struct upload_lock *upload_lock = upload_lock_new(upload_locks, image, &FACTS, &bytes);
    assert_non_null(upload_lock);
    return upload_lock;
}

static struct upload_lock *sent(const char *image)
{
    struct upload_lock *upload_lock = enter(image);
    assert_int_equal(upload_lock_send(upload_lock, true), UPLOAD_LOCK_SENT);
    return upload_lock;
}

/* However many there are, and whatever their clients do. */
static void unsent_upload_blocks_nobody(void **state)
{
    (void)state;
    struct upload_lock_facts facts;
    struct upload_lock *strangers[20];
    for (size_t i = 0; i < 20; i++)
        strangers[i] = enter("a");
    struct upload_lock *upload_lock = enter("a");
    assert_false(upload_lock_other(upload_lock, &facts));
    assert_int_equal(upload_lock_send(upload_lock, false), UPLOAD_LOCK_SENT);
    for (size_t i = 0; i < 20; i++) {
        assert_true(upload_lock_other(strangers[i], &facts));
        upload_lock_release(strangers[i]);
    }
    assert_false(upload_lock_other(upload_lock, &facts)); /* it is not its own */
    upload_lock_release(upload_lock);
    upload_lock_release(NULL);
}

static void second_upload_must_check_the_image(void **state)
{
    (void)state;
    struct upload_lock_facts facts;
    struct upload_lock *first = sent("a"), *second = enter("a"), *third = enter("b");
    assert_int_equal(upload_lock_send(third, false), UPLOAD_LOCK_SENT);
    assert_int_equal(upload_lock_send(second, false), UPLOAD_LOCK_LOOK);
    assert_int_equal(upload_lock_send(second, false), UPLOAD_LOCK_LOOK);
    assert_false(upload_lock_other(first, &facts)); /* it was not sent by that */
    upload_lock_release(first);
    assert_int_equal(upload_lock_send(second, false), UPLOAD_LOCK_SENT);
    upload_lock_release(second);
    upload_lock_release(third);
}

/* The image may have its data by now. */
static void finished_upload_is_checked_for_once(void **state)
{
    (void)state;
    struct upload_lock *waiting = enter("a");
    upload_lock_release(sent("b"));
    upload_lock_release(sent("a"));
    assert_int_equal(upload_lock_send(waiting, false), UPLOAD_LOCK_LOOK);
    assert_int_equal(upload_lock_send(waiting, false), UPLOAD_LOCK_SENT);
    upload_lock_release(waiting);
}

static void second_upload_may_be_sent_anyway(void **state)
{
    (void)state;
    struct upload_lock_facts facts;
    struct upload_lock *first = sent("a"), *second = enter("a");
    assert_int_equal(upload_lock_send(second, true), UPLOAD_LOCK_SENT);
    assert_true(upload_lock_other(first, &facts));
    upload_lock_release(first);
    upload_lock_release(second);
}

static void second_upload_learns_of_the_first(void **state)
{
    (void)state;
    struct upload_lock_facts facts;
    static const _Atomic uint64_t less = 119;
    const struct upload_lock_facts others = {.began_wall_ms = 5};
    bytes = 0;
    struct upload_lock *upload_lock = sent("a"), *second = enter("a");
    bytes = 120;
    assert_true(upload_lock_other(second, &facts));
    assert_int_equal(facts.began_wall_ms, FACTS.began_wall_ms);
    assert_int_equal(facts.bytes, 120);
    assert_true(facts.size_known);
    assert_int_equal(facts.size, 300);
    struct upload_lock *third = upload_lock_new(upload_locks, "a", &others, &less);
    upload_lock_send(third, true);
    assert_true(upload_lock_other(second, &facts)); /* of the one that has come farther */
    assert_int_equal(facts.bytes, 120);
    upload_lock_release(upload_lock);
    assert_true(upload_lock_other(second, &facts));
    assert_int_equal(facts.began_wall_ms, 5);
    upload_lock_release(second);
    upload_lock_release(third);
}

/* At any place in the list, its neighbours are linked when it is removed. */
static void locks_are_released_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const images[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct upload_lock *held[3];
        struct upload_lock_facts facts;
        for (size_t j = 0; j < 3; j++)
            held[j] = sent(images[j]);
        for (size_t j = 0; j < 3; j++) {
            upload_lock_release(held[orders[i][j]]);
            for (size_t k = 0; k < 3; k++) {
                struct upload_lock *late = enter(images[orders[i][k]]);
                assert_int_equal(upload_lock_other(late, &facts), k > j);
                upload_lock_release(late);
            }
        }
    }
}

static void locks_may_be_absent(void **state)
{
    (void)state;
    upload_locks_free(NULL);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { WORKERS = 4, IMAGES = 3, TIMES = 5000 };

static atomic_int holders[IMAGES];
static atomic_uint taken, held, wrong;

static void upload_once(unsigned image)
{
    char name[16];
    struct upload_lock_facts facts;
    _Atomic uint64_t count = 0;
    snprintf(name, sizeof name, "image-%u", image);
    struct upload_lock *upload_lock = upload_lock_new(upload_locks, name, &FACTS, &count);
    if (upload_lock_send(upload_lock, false) == UPLOAD_LOCK_SENT) {
        wrong += atomic_fetch_add(&holders[image], 1) != 0;
        count = 7; /* while another may be reading it */
        wrong += atomic_fetch_sub(&holders[image], 1) != 1;
        taken++;
    } else {
        if (upload_lock_other(upload_lock, &facts))
            wrong += facts.bytes != 0 && facts.bytes != 7;
        held++;
    }
    upload_lock_release(upload_lock);
}

static void *upload_often(void *context)
{
    unsigned seed = *(unsigned *)context;
    for (int i = 0; i < TIMES; i++)
        upload_once((unsigned)rand_r(&seed) % IMAGES);
    return NULL;
}

static void workers_share_them(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    unsigned seeds[WORKERS] = {1, 2, 3, 4};
    taken = held = wrong = 0;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, upload_often, &seeds[i]), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(taken + held, WORKERS * TIMES);
    assert_true(taken >= IMAGES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(unsent_upload_blocks_nobody),
        TEST(second_upload_must_check_the_image),
        TEST(finished_upload_is_checked_for_once),
        TEST(second_upload_may_be_sent_anyway),
        TEST(second_upload_learns_of_the_first),
        TEST(locks_are_released_in_any_order),
        TEST(locks_may_be_absent),
        TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
