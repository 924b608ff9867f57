/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/claims.h"

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

static struct claim *take(const char *image)
{
    struct claim *claim;
    struct claim_facts other;
    assert_int_equal(claims_take(claims, image, &FACTS, &bytes, &claim, &other), CLAIM_TAKEN);
    assert_non_null(claim);
    return claim;
}

static void must_be_held(const char *image, struct claim_facts *facts)
{
    struct claim *claim;
    const struct claim_facts of_this = {0};
    assert_int_equal(claims_take(claims, image, &of_this, &bytes, &claim, facts), CLAIM_HELD);
    assert_null(claim);
}

static void an_image_is_taken_once(void **state)
{
    (void)state;
    struct claim_facts facts;
    struct claim *a = take("a");
    struct claim *b = take("b");
    must_be_held("a", &facts);
    must_be_held("b", &facts);
    claim_release(a);
    a = take("a");
    must_be_held("b", &facts);
    claim_release(b);
    claim_release(take("b"));
    claim_release(a);
    claim_release(NULL);
}

static void whoever_is_second_learns_of_the_first(void **state)
{
    (void)state;
    struct claim_facts facts;
    bytes = 0;
    struct claim *claim = take("a");
    bytes = 120;
    must_be_held("a", &facts);
    assert_int_equal(facts.began_wall_ms, FACTS.began_wall_ms);
    assert_int_equal(facts.bytes, 120);
    assert_true(facts.size_known);
    assert_int_equal(facts.size, 300);
    bytes = 299;
    must_be_held("a", &facts);
    assert_int_equal(facts.bytes, 299);
    claim_release(claim);
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
            held[j] = take(images[j]);
        for (size_t j = 0; j < 3; j++) {
            claim_release(held[orders[i][j]]);
            for (size_t k = j + 1; k < 3; k++)
                must_be_held(images[orders[i][k]], &facts);
            claim_release(take(images[orders[i][j]]));
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
    struct claim *claim;
    struct claim_facts facts;
    _Atomic uint64_t sent = 0;
    snprintf(name, sizeof name, "image-%u", image);
    if (claims_take(claims, name, &FACTS, &sent, &claim, &facts) == CLAIM_TAKEN) {
        wrong += atomic_fetch_add(&holders[image], 1) != 0;
        sent = 7; /* while another may be reading it */
        wrong += atomic_fetch_sub(&holders[image], 1) != 1;
        taken++;
        claim_release(claim);
    } else {
        wrong += facts.bytes != 0 && facts.bytes != 7;
        held++;
    }
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
        TEST(an_image_is_taken_once),
        TEST(whoever_is_second_learns_of_the_first),
        TEST(claims_are_released_in_any_order),
        TEST(claims_may_not_be_there),
        TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
