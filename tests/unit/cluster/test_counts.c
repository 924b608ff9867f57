/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/counts.h"

#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void counts_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct counts told = {0}, heard = {0};
    struct buffer text;
    buffer_init(&text, COUNTS_MAX);
    assert_true(counts_begin(&told) && counts_begin(&heard));
    snprintf(told.process, sizeof told.process, "p");
    told.ended = 7;
    told.stored = UINT64_C(1) << 40;
    assert_true(tally_add(told.stores, "test", (struct tally_bytes){1, 0}));
    assert_true(tally_add(told.stores, "test", (struct tally_bytes){2, 0}));
    assert_true(tally_add(told.quotas, "0 10 p\"", (struct tally_bytes){3, UINT64_MAX}));
    assert_true(counts_write(&told, &text));
    assert_true(counts_read(text.data, text.len, &heard));
    assert_string_equal(heard.process, "p");
    assert_int_equal(heard.ended, 7);
    assert_int_equal(heard.stored, told.stored);
    assert_int_equal(tally_find(heard.stores, "test").firm, 3);
    assert_int_equal(tally_find(heard.quotas, "0 10 p\"").firm, 3);
    assert_int_equal(tally_find(heard.quotas, "0 10 p\"").provisional, INT64_MAX);
    assert_int_equal(tally_find(heard.quotas, "other").firm, 0);
    counts_free(&told);
    counts_free(&told);
    counts_free(&heard);
    buffer_free(&text);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
#define REST ", \"stores\": {}, \"quotas\": {}}"
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"process\": 1, \"ended\": 0, \"stored\": 0" REST,
        "{\"process\": \"p\", \"ended\": -1, \"stored\": 0" REST,
        "{\"process\": \"p\", \"ended\": 0, \"stored\": \"0\"" REST,
        "{\"process\": \"0123456789012345678901234567890123\", \"ended\": 0, \"stored\": 0" REST,
        "{\"process\": \"p\", \"ended\": 0, \"stored\": 0, \"stores\": {\"a\": 1}, \"quotas\": {}}",
        "{\"process\": \"p\", \"ended\": 0, \"stored\": 0, \"stores\": {\"a\": [1]}, \"quotas\": "
        "{}}",
        "{\"process\": \"p\", \"ended\": 0, \"stored\": 0, \"stores\": {}, \"quotas\": {\"a\": [1, "
        "-1]}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct counts counts;
        assert_true(counts_begin(&counts));
        if (counts_read(texts[i], strlen(texts[i]), &counts))
            fail_msg("was taken: %s", texts[i]);
        counts_free(&counts);
    }
}

static void sums_end_at_the_largest_number(void **state)
{
    (void)state;
    struct tally *tally = tally_new();
    assert_non_null(tally);
    assert_true(tally_add(tally, "a", (struct tally_bytes){UINT64_MAX, 1}));
    assert_true(tally_add(tally, "a", (struct tally_bytes){1, UINT64_MAX}));
    assert_int_equal(tally_find(tally, "a").firm, UINT64_MAX);
    assert_int_equal(tally_find(tally, "a").provisional, UINT64_MAX);
    assert_int_equal(tally_find(NULL, "a").firm, 0);
    tally_free(tally);
    tally_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read_as_they_were_written),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(sums_end_at_the_largest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
