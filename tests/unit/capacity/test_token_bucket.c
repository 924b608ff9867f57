/* SPDX-License-Identifier: Apache-2.0 */
#include "capacity/token_bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RATE = 1 << 20, BLOCK = RATE / 16 };
static const uint64_t SECOND_US = 1000000;
static const uint64_t BEGIN_US = 3000000000; /* some time after the machine has started */

struct reader {
    uint64_t next_us, bytes;
};

/* Each reader reads whenever it may, until `end_us`. */
static void read_until(struct token_bucket *bucket, struct reader *readers, size_t count,
                       uint64_t begin_us, uint64_t end_us)
{
    for (uint64_t now = begin_us; now < end_us; now += 1000)
        for (size_t i = 0; i < count; i++)
            if (readers[i].next_us <= now) {
                readers[i].next_us = token_bucket_charge(bucket, RATE, BLOCK, now);
                readers[i].bytes += BLOCK;
            }
}

static void the_rate_is_kept(void **state)
{
    (void)state;
    struct token_bucket bucket = {0};
    struct reader reader = {token_bucket_begin(&bucket), 0};
    read_until(&bucket, &reader, 1, BEGIN_US, BEGIN_US + 10 * SECOND_US);
    uint64_t depth = (uint64_t)RATE * TOKEN_BUCKET_DEPTH_US / SECOND_US;
    assert_in_range(reader.bytes, 10 * RATE, 10 * RATE + depth + BLOCK);
}

static void readers_get_the_same(void **state)
{
    (void)state;
    struct token_bucket bucket = {0};
    struct reader readers[4] = {0};
    read_until(&bucket, readers, 4, BEGIN_US, BEGIN_US + 8 * SECOND_US);
    uint64_t all = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_in_range(readers[i].bytes, 2 * RATE - BLOCK, 2 * RATE + 2 * BLOCK);
        all += readers[i].bytes;
    }
    uint64_t depth = (uint64_t)RATE * TOKEN_BUCKET_DEPTH_US / SECOND_US;
    assert_in_range(all, 8 * RATE, 8 * RATE + depth + 4 * BLOCK);
}

/* Ten seconds of silence save up no more than the depth. */
static void silence_saves_up_little(void **state)
{
    (void)state;
    struct token_bucket bucket = {0};
    struct reader reader = {0};
    read_until(&bucket, &reader, 1, BEGIN_US, BEGIN_US + SECOND_US);
    uint64_t later = BEGIN_US + 11 * SECOND_US;
    reader.bytes = 0;
    read_until(&bucket, &reader, 1, later, later + SECOND_US);
    uint64_t depth = (uint64_t)RATE * TOKEN_BUCKET_DEPTH_US / SECOND_US;
    assert_in_range(reader.bytes, RATE, RATE + depth + BLOCK);
}

static void a_newcomer_does_not_jump_ahead(void **state)
{
    (void)state;
    struct token_bucket bucket = {0};
    for (int i = 0; i < 32; i++) /* two seconds are not paid for */
        token_bucket_charge(&bucket, RATE, BLOCK, BEGIN_US);
    assert_int_equal(token_bucket_begin(&bucket), BEGIN_US + 2 * SECOND_US - TOKEN_BUCKET_DEPTH_US);
}

static void blocks_are_neither_small_nor_large(void **state)
{
    (void)state;
    assert_int_equal(token_bucket_block(64 << 10), 16 << 10);
    assert_int_equal(token_bucket_block(10 << 20), (10 << 20) / 20);
    assert_int_equal(token_bucket_block(UINT64_MAX), 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(readers_get_the_same),
        cmocka_unit_test(silence_saves_up_little),
        cmocka_unit_test(a_newcomer_does_not_jump_ahead),
        cmocka_unit_test(blocks_are_neither_small_nor_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
