/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/block_sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/splits.h"

enum { BLOCK = BLOCK_SUMS_MIN, LATEST = BLOCK_SUMS_LATEST, SIZE = 3 * BLOCK + 5000 };

static unsigned char *stream;

static int set_up(void **state)
{
    (void)state;
    uint32_t random = 1;
    stream = malloc(SIZE);
    for (size_t i = 0; stream && i < SIZE; i++) {
        random = random * 1664525U + 1013904223U;
        stream[i] = (unsigned char)(random >> 24);
    }
    return stream ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(stream);
    return 0;
}

static struct block_sums *sums_of(size_t count, struct split split)
{
    struct block_sums *sums = block_sums_new(SIZE);
    assert_non_null(sums);
    for (size_t at = 0; at < count;) {
        size_t piece = split_piece(split, at, count);
        block_sums_add(sums, stream + at, piece);
        at += piece;
    }
    assert_int_equal(block_sums_count(sums), count);
    return sums;
}

/* Whether the bytes from `first` on, cut so, are taken for the same. */
static bool compare(const struct block_sums *sums, const unsigned char *bytes, size_t first,
                    size_t count, struct split split)
{
    bool same = true;
    struct block_comparison *comparison = block_comparison_new(sums, first);
    assert_non_null(comparison);
    for (size_t at = 0; at < count && same;) {
        size_t piece = split_piece(split, at, count);
        same = block_comparison_same(comparison, bytes + first + at, piece);
        at += piece;
    }
    block_comparison_free(comparison);
    return same;
}

static bool compare_changed(const struct block_sums *sums, size_t first, size_t count,
                            size_t changed, struct split split)
{
    stream[changed] ^= 0x10U;
    bool same = compare(sums, stream, first, count, split);
    stream[changed] ^= 0x10U;
    return same;
}

/* --- whole, byte by byte, at every split --------------------------------------------------- */

/* The places where the stream stands, and where it comes again. */
struct row {
    size_t count, first;
};

static void compare_row(struct split split, const void *vector)
{
    const struct row *row = vector;
    size_t again = row->count - row->first;
    struct block_sums *sums = sums_of(row->count, (struct split){row->count, 1});
    assert_true(compare(sums, stream, row->first, again, split));
    assert_false(compare_changed(sums, row->first, again, row->count - 1, split));
    assert_false(compare_changed(sums, row->first, again, row->first + again / 2, split));
    block_sums_free(sums);
}

static void every_split_gives_the_same_result(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {2, 1},
        {300, 1},
        {BLOCK, BLOCK - 100},            /* up to the end of a block */
        {BLOCK + 100, BLOCK},            /* from its beginning */
        {2 * BLOCK + 60, 2 * BLOCK - 60} /* over it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        splits_each(rows[i].count - rows[i].first, compare_row, &rows[i]);
}

static void adding_may_be_split(void **state)
{
    (void)state;
    static const struct split splits[] = {{SIZE, 1},         {1, 1},        {1000, 1000},
                                          {BLOCK, BLOCK},    {1, BLOCK},    {BLOCK + 1, LATEST},
                                          {LATEST - 1, 977}, {LATEST, SIZE}};
    static const size_t counts[] = {LATEST + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, SIZE};
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            struct block_sums *sums = sums_of(counts[j], splits[i]);
            for (size_t first = 0; first < counts[j]; first += 7000)
                assert_true(compare(sums, stream, first, counts[j] - first, splits[i]));
            block_sums_free(sums);
        }
}

/* --- what is found ------------------------------------------------------------------------- */

/* A changed byte is found from the first beginning of a block on, and among the latest. */
static void one_changed_byte_is_found(void **state)
{
    (void)state;
    struct block_sums *sums = sums_of(SIZE, (struct split){SIZE, 1});
    static const size_t firsts[] = {1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 9, SIZE - 10};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        size_t first = firsts[i], compared = (first + BLOCK - 1) / BLOCK * BLOCK;
        for (size_t changed = first; changed < SIZE; changed += changed + 333 < SIZE ? 333 : 1) {
            bool found = changed >= compared || changed >= SIZE - LATEST;
            assert_int_equal(
                compare_changed(sums, first, SIZE - first, changed, (struct split){SIZE, 1}),
                !found);
        }
    }
    block_sums_free(sums);
}

static void part_of_what_came_may_come_again(void **state)
{
    (void)state;
    struct block_sums *sums = sums_of(SIZE, (struct split){SIZE, 1});
    assert_true(compare(sums, stream, 0, BLOCK, (struct split){1000, 1000}));
    assert_true(compare(sums, stream, 0, BLOCK + 1, (struct split){1000, 1000}));
    assert_false(compare_changed(sums, 0, BLOCK, 5, (struct split){1000, 1000}));
    assert_false(compare_changed(sums, 0, BLOCK + 1, 5, (struct split){1000, 1000}));
    block_sums_free(sums);
}

static void more_than_what_came_differs(void **state)
{
    (void)state;
    struct block_sums *sums = sums_of(1000, (struct split){1000, 1});
    assert_false(compare(sums, stream, 10, 991, (struct split){991, 1}));
    assert_false(compare(sums, stream, 10, 991, (struct split){1, 1}));
    block_sums_free(sums);
}

/* Comparing changes nothing, so it may be repeated, and the stream goes on afterwards. */
static void stream_goes_on(void **state)
{
    (void)state;
    struct block_sums *sums = sums_of(BLOCK + 10, (struct split){BLOCK, 1});
    for (int i = 0; i < 2; i++) {
        assert_false(compare_changed(sums, 0, BLOCK + 10, 7, (struct split){SIZE, 1}));
        assert_true(compare(sums, stream, 0, BLOCK + 10, (struct split){SIZE, 1}));
    }
    block_sums_add(sums, stream + BLOCK + 10, SIZE - BLOCK - 10);
    assert_true(compare(sums, stream, 0, SIZE, (struct split){SIZE, 1}));
    block_sums_free(sums);
}

/* --- memory -------------------------------------------------------------------------------- */

static void blocks_grow_with_the_stream(void **state)
{
    (void)state;
    static const struct {
        uint64_t length, block_size;
    } rows[] = {{0, BLOCK},
                {1ULL << 32, BLOCK},
                {1ULL << 33, 2ULL * BLOCK},
                {1ULL << 36, 1 << 20},
                {1ULL << 40, 1 << 20},
                {1ULL << 50, 1ULL << 30}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct block_sums *sums = block_sums_new(rows[i].length);
        assert_non_null(sums);
        assert_int_equal(block_sums_block_size(sums), rows[i].block_size);
        assert_true(rows[i].length / rows[i].block_size <= BLOCK_SUMS_MOST);
        block_sums_free(sums);
    }
    block_sums_free(NULL);
    block_comparison_free(NULL);
}

/* Nothing is written behind the last row. */
static void longer_stream_than_announced_cannot_be_compared(void **state)
{
    (void)state;
    struct block_sums *sums = block_sums_new(10);
    block_sums_add(sums, stream, SIZE);
    assert_false(compare(sums, stream, 0, SIZE, (struct split){SIZE, 1}));
    block_sums_free(sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_result),
        cmocka_unit_test(adding_may_be_split),
        cmocka_unit_test(one_changed_byte_is_found),
        cmocka_unit_test(part_of_what_came_may_come_again),
        cmocka_unit_test(more_than_what_came_differs),
        cmocka_unit_test(stream_goes_on),
        cmocka_unit_test(blocks_grow_with_the_stream),
        cmocka_unit_test(longer_stream_than_announced_cannot_be_compared),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
