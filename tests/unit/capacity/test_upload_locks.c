/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/upload_locks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct claims *claims;

static int set_up(void **state)
{
    (void)state;
    claims = claims_new();
    return claims ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    claims_free(claims);
    return 0;
}

static const struct claim_facts FACTS = {
    .began_wall_ms = 1700000000000, .size_known = true, .size = 300};
static _Atomic uint64_t bytes;

static struct claim *enter(const char *image)
{
    struct claim *claim = claim_new(claims, image, &FACTS, &bytes);
    assert_non_null(claim);
    return claim;
}

static struct claim *sent(const char *image)
{
    struct claim *claim = enter(image);
    assert_int_equal(claim_send(claim, true), CLAIM_SENT);
    return claim;
}

/* However many there are, and whatever their clients do. */
static void what_was_not_sent_is_in_nobodys_way(void **state)
{
    (void)state;
    struct claim_facts facts;
    struct claim *strangers[20];
    for (size_t i = 0; i < 20; i++)
        strangers[i] = enter("a");
    struct claim *claim = enter("a");
    assert_false(claim_other(claim, &facts));
    assert_int_equal(claim_send(claim, false), CLAIM_SENT);
    for (size_t i = 0; i < 20; i++) {
        assert_true(claim_other(strangers[i], &facts));
        claim_release(strangers[i]);
    }
    assert_false(claim_other(claim, &facts)); /* it is not its own */
    claim_release(claim);
    claim_release(NULL);
}

static void who_comes_second_has_to_look(void **state)
{
    (void)state;
    struct claim_facts facts;
    struct claim *first = sent("a"), *second = enter("a"), *third = enter("b");
    assert_int_equal(claim_send(third, false), CLAIM_SENT);
    assert_int_equal(claim_send(second, false), CLAIM_LOOK);
    assert_int_equal(claim_send(second, false), CLAIM_LOOK);
    assert_false(claim_other(first, &facts)); /* it was not sent by that */
    claim_release(first);
    assert_int_equal(claim_send(second, false), CLAIM_SENT);
    claim_release(second);
    claim_release(third);
}

/* The image may have its data by now. */
static void what_is_over_is_looked_for_once(void **state)
{
    (void)state;
    struct claim *waiting = enter("a");
    claim_release(sent("b"));
    claim_release(sent("a"));
    assert_int_equal(claim_send(waiting, false), CLAIM_LOOK);
    assert_int_equal(claim_send(waiting, false), CLAIM_SENT);
    claim_release(waiting);
}

static void it_is_sent_all_the_same(void **state)
{
    (void)state;
    struct claim_facts facts;
    struct claim *first = sent("a"), *second = enter("a");
    assert_int_equal(claim_send(second, true), CLAIM_SENT);
    assert_true(claim_other(first, &facts));
    claim_release(first);
    claim_release(second);
}

static void whoever_is_second_learns_of_the_first(void **state)
{
    (void)state;
    struct claim_facts facts;
    static const _Atomic uint64_t less = 119;
    const struct claim_facts others = {.began_wall_ms = 5};
    bytes = 0;
    struct claim *claim = sent("a"), *second = enter("a");
    bytes = 120;
    assert_true(claim_other(second, &facts));
    assert_int_equal(facts.began_wall_ms, FACTS.began_wall_ms);
    assert_int_equal(facts.bytes, 120);
    assert_true(facts.size_known);
    assert_int_equal(facts.size, 300);
    struct claim *third = claim_new(claims, "a", &others, &less);
    claim_send(third, true);
    assert_true(claim_other(second, &facts)); /* of the one that has come farther */
    assert_int_equal(facts.bytes, 120);
    claim_release(claim);
    assert_true(claim_other(second, &facts));
    assert_int_equal(facts.began_wall_ms, 5);
    claim_release(second);
    claim_release(third);
}

/* Wherever one stands in the list, its neighbours find each other when it goes. */
static void claims_are_released_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const images[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct claim *held[3];
        struct claim_facts facts;
        for (size_t j = 0; j < 3; j++)
            held[j] = sent(images[j]);
        for (size_t j = 0; j < 3; j++) {
            claim_release(held[orders[i][j]]);
            for (size_t k = 0; k < 3; k++) {
                struct claim *late = enter(images[orders[i][k]]);
                assert_int_equal(claim_other(late, &facts), k > j);
                claim_release(late);
            }
        }
    }
}

static void claims_may_not_be_there(void **state)
{
    (void)state;
    claims_free(NULL);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { WORKERS = 4, IMAGES = 3, TIMES = 5000 };

static atomic_int holders[IMAGES];
static atomic_uint taken, held, wrong;

static void upload_once(unsigned image)
{
    char name[16];
    struct claim_facts facts;
    _Atomic uint64_t count = 0;
    snprintf(name, sizeof name, "image-%u", image);
    struct claim *claim = claim_new(claims, name, &FACTS, &count);
    if (claim_send(claim, false) == CLAIM_SENT) {
        wrong += atomic_fetch_add(&holders[image], 1) != 0;
        count = 7; /* while another may be reading it */
        wrong += atomic_fetch_sub(&holders[image], 1) != 1;
        taken++;
    } else {
        if (claim_other(claim, &facts))
            wrong += facts.bytes != 0 && facts.bytes != 7;
        held++;
    }
    claim_release(claim);
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
        TEST(what_was_not_sent_is_in_nobodys_way),
        TEST(who_comes_second_has_to_look),
        TEST(what_is_over_is_looked_for_once),
        TEST(it_is_sent_all_the_same),
        TEST(whoever_is_second_learns_of_the_first),
        TEST(claims_are_released_in_any_order),
        TEST(claims_may_not_be_there),
        TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
