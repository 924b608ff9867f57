/* SPDX-License-Identifier: Apache-2.0 */
#include "body/hashing.h"
#include "intake/block_sums.h"
#include "intake/digest.h"
#include "intake/loop.h"
#include "intake/thread_pool.h"
#include "net/pipe.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "hashing_run.h"
#include "support/splits.h"

static void put_all(struct hashing *hashing, const char *bytes, size_t count)
{
    while (count) {
        size_t room = hashing_room(hashing);
        size_t some = room < count ? room : count;
        if (!room)
            wait_for_it();
        assert_true(hashing_put(hashing, bytes, some));
        bytes += some;
        count -= some;
    }
}

static void hash_and_compare(struct thread_pool *by, struct split split, size_t count,
                             size_t algorithms)
{
    struct hashing *hashing = begin(by, algorithms);
    for (size_t at = 0; at < count;) {
        size_t piece = split_piece(split, at, count);
        put_all(hashing, image + at, piece);
        at += piece;
    }
    if (!hashing_is_over(hashing))
        wait_for_it();
    assert_true(hashing_is_over(hashing));
    assert_digests(hashing_set(hashing), image, count, algorithms);
    hashing_free(hashing);
}

/* Small and large, in pieces of the threads' and of the loop's own, in turn. */
static void digest_is_the_same_for_any_thread_and_split(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16 * 1024, 16 * 1024 + 1, HASHING_BLOCK, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct split splits[] = {{sizes[i], 1},
                                       {sizes[i], 1000},
                                       {sizes[i] / 2 + 1, SIZE},
                                       {1000, 30 * 1000},
                                       {20 * 1000, SIZE}};
        for (size_t algorithms = 1; algorithms <= 3; algorithms++)
            for (size_t j = 0; j < sizeof splits / sizeof splits[0]; j++) {
                hash_and_compare(helpers, splits[j], sizes[i], algorithms);
                hash_and_compare(NULL, splits[j], sizes[i], algorithms);
            }
    }
}

static void hashing_without_digests_does_nothing(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 0);
    assert_int_equal(hashing_room(hashing), SIZE_MAX);
    for (int i = 0; i < 2 * HASHING_BLOCKS; i++)
        assert_true(hashing_put(hashing, image, SIZE));
    assert_true(hashing_is_over(hashing));
    assert_int_equal(woken, 0);
    hashing_free(hashing);
}

/* --- checksums ---------------------------------------------------------------------------------
 */

static void assert_sums(struct hashing *hashing, size_t count)
{
    const struct block_sums *sums = hashing_sums(hashing);
    assert_non_null(sums);
    assert_int_equal(block_sums_count(sums), count);
    struct block_comparison *comparison = block_comparison_new(sums, 0);
    assert_non_null(comparison);
    assert_true(block_comparison_same(comparison, image, count));
    block_comparison_free(comparison);
    comparison = block_comparison_new(sums, 0);
    assert_non_null(comparison);
    assert_false(block_comparison_same(comparison, image + 1, count));
    block_comparison_free(comparison);
}

/* Once each, and in order: in the loop's thread, from a block, and from a pipe. */
static void sums_are_of_all_bytes(void **state)
{
    (void)state;
    for (size_t algorithms = 1; algorithms <= 3; algorithms++) {
        struct hashing *hashing = begin(helpers, algorithms);
        hashing_keep_sums(hashing, SIZE);
        size_t at = 0;
        for (int round = 0; round < 3; round++) {
            put_all(hashing, image + at, 1000);
            put_all(hashing, image + at + 1000, HASHING_BLOCK);
            at += 1000 + HASHING_BLOCK;
            move_some(hashing, image + at, HASHING_BLOCK);
            at += HASHING_BLOCK;
            thread_pool_settle(helpers, loop);
        }
        assert_true(hashing_is_over(hashing));
        assert_sums(hashing, at);
        hashing_free(hashing);
    }
}

static void no_sums_without_digests(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 0);
    hashing_keep_sums(hashing, SIZE);
    assert_null(hashing_sums(hashing));
    hashing_free(hashing);
    hashing = begin(helpers, 1);
    assert_null(hashing_sums(hashing));
    hashing_free(hashing);
}

/* --- how much, and who is woken -------------------------------------------------------------- */

static void pending_blocks_have_a_maximum(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 2);
    for (int i = 0; i < HASHING_BLOCKS; i++) {
        assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
        assert_true(hashing_put(hashing, image, HASHING_BLOCK));
    }
    assert_int_equal(hashing_room(hashing), 0);
    assert_false(hashing_is_over(hashing));
    thread_pool_settle(helpers, loop);
    assert_int_equal(woken, 1);
    assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
    assert_true(hashing_is_over(hashing));
    hashing_free(hashing);
}

static void owner_is_woken_only_when_waiting(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 1);
    assert_true(hashing_put(hashing, image, HASHING_BLOCK));
    assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
    thread_pool_settle(helpers, loop);
    assert_true(hashing_is_over(hashing));
    assert_int_equal(woken, 0);
    hashing_free(hashing);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* A freed owner is not woken; the sanitizers find leaks and use after free. */
static void hashing_can_be_freed_with_blocks_pending(void **state)
{
    (void)state;
    for (size_t algorithms = 1; algorithms <= 3; algorithms++)
        for (int pieces = 1; pieces <= HASHING_BLOCKS; pieces++) {
            struct hashing *hashing = begin(helpers, algorithms);
            for (int i = 0; i < pieces; i++)
                if (i % 2)
                    move_some(hashing, image, HASHING_BLOCK);
                else
                    assert_true(hashing_put(hashing, image, HASHING_BLOCK));
            hashing_inlet(hashing);
            hashing_room(hashing);
            assert_false(hashing_is_over(hashing));
            hashing_free(hashing);
            thread_pool_settle(helpers, loop);
            assert_int_equal(woken, 0);
        }
}

static void concurrent_hashings_keep_their_own_digests(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct hashing *many[MANY];
    for (size_t i = 0; i < MANY; i++)
        many[i] = begin(helpers, 2);
    for (size_t at = 0; at < HASHING_BLOCKS; at++)
        for (size_t i = 0; i < MANY; i++)
            assert_true(hashing_put(many[i], image + i * 1000 + at * HASHING_BLOCK, HASHING_BLOCK));
    thread_pool_settle(helpers, loop);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(hashing_is_over(many[i]));
        assert_digests(hashing_set(many[i]), image + i * 1000,
                       (size_t)HASHING_BLOCKS * HASHING_BLOCK, 2);
        hashing_free(many[i]);
    }
}

static void hashing_free_accepts_null(void **state)
{
    (void)state;
    hashing_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(digest_is_the_same_for_any_thread_and_split),
        TEST(hashing_without_digests_does_nothing),
        TEST(sums_are_of_all_bytes),
        TEST(no_sums_without_digests),
        TEST(pending_blocks_have_a_maximum),
        TEST(owner_is_woken_only_when_waiting),
        TEST(hashing_can_be_freed_with_blocks_pending),
        TEST(concurrent_hashings_keep_their_own_digests),
        TEST(hashing_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
