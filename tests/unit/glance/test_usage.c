/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* As Glance 25.1 answers. */
static const char ANSWER[] = "{\"usage\": {\"image_size_total\": {\"usage\": 80, \"limit\": 100}, "
                             "\"image_stage_total\": {\"usage\": 0, \"limit\": 102400}, "
                             "\"image_count_total\": {\"usage\": 33, \"limit\": 1000}, "
                             "\"image_count_uploading\": {\"usage\": 1, \"limit\": 99}}}";

static void expect_limit(const struct usage_limit *is, int64_t used, int64_t limit)
{
    assert_true(is->known);
    assert_int_equal(is->used, used);
    assert_int_equal(is->limit, limit);
}

static void expect_nothing(const struct usage *usage)
{
    assert_false(usage->image_size_total.known);
    assert_false(usage->image_stage_total.known);
    assert_false(usage->image_count_uploading.known);
}

static void limits_are_read_from_the_answer(void **state)
{
    (void)state;
    struct usage usage;
    assert_true(usage_parse(ANSWER, strlen(ANSWER), &usage));
    expect_limit(&usage.image_size_total, 80, 100);
    expect_limit(&usage.image_stage_total, 0, 102400);
    expect_limit(&usage.image_count_uploading, 1, 99);
}

/* use_keystone_limits = false; or only some of them are registered. */
static void absent_limit_limits_nothing(void **state)
{
    (void)state;
    static const char none[] = "{\"usage\": {}}";
    static const char one[] = "{\"usage\": {\"image_stage_total\": {\"usage\": 2, \"limit\": 3}}}";
    struct usage usage;
    char why[USAGE_WORDS];
    assert_true(usage_parse(none, strlen(none), &usage));
    expect_nothing(&usage);
    assert_true(usage_allows(&usage, false, 0, UINT64_MAX, why));
    assert_true(usage_allows(&usage, true, 0, UINT64_MAX, why));
    assert_true(usage_is_unlimited(&usage, false) && usage_is_unlimited(&usage, true));
    assert_true(usage_parse(one, strlen(one), &usage));
    assert_false(usage.image_size_total.known);
    expect_limit(&usage.image_stage_total, 2, 3);
    assert_false(usage.image_count_uploading.known);
    assert_true(usage_is_unlimited(&usage, false) && !usage_is_unlimited(&usage, true));
    usage.image_count_uploading = (struct usage_limit){true, 1, 0};
    assert_false(usage_is_unlimited(&usage, false));
}

static void another_answer_limits_nothing(void **state)
{
    (void)state;
    static const char half[] = "{\"usage\": {\"image_size_total\": {\"usage\": 9, \"limit\": 5}, "
                               "\"image_count_uploading\": {}}}";
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"usage\": null}",
        "{\"usage\": []}",
        "{\"usage\": {}",
        "{\"usage\": {}, \"usage\": {}}",
        "{\"usage\": {\"image_size_total\": null}}",
        "{\"usage\": {\"image_size_total\": 5}}",
        "{\"usage\": {\"image_size_total\": {\"usage\": 5}}}",
        "{\"usage\": {\"image_size_total\": {\"limit\": 5}}}",
        "{\"usage\": {\"image_size_total\": {\"usage\": \"1\", \"limit\": 5}}}",
        "{\"usage\": {\"image_size_total\": {\"usage\": 1.5, \"limit\": 5}}}",
        "{\"usage\": {\"image_size_total\": {\"usage\": -1, \"limit\": 5}}}",
        "{\"usage\": {\"image_size_total\": {\"usage\": 1, \"limit\": 9223372036854775808}}}",
        half,
        "<html></html>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct usage usage;
        memset(&usage, 1, sizeof usage);
        if (usage_parse(bad[i], strlen(bad[i]), &usage))
            fail_msg("%s", bad[i]);
        expect_nothing(&usage);
    }
}

static void a_cut_answer_limits_nothing(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(ANSWER); length++) {
        char *piece = strndup(ANSWER, length);
        struct usage usage;
        assert_non_null(piece);
        assert_false(usage_parse(piece, length, &usage));
        expect_nothing(&usage);
        free(piece);
    }
}

#define WHY_TOTAL(figures) "the project may keep " figures " (image_size_total)"

/* `why` NULL: it fits. */
static const struct {
    int64_t limit;
    int64_t used;
    uint64_t size;
    const char *why;
} TOTALS[] = {
    {100, 80, 20 * MIB, NULL},
    {100, 80, 20 * MIB - 1, NULL},
    {100, 80, 20 * MIB + 1, WHY_TOTAL("100 MiB in all, has 80 and would need 101")},
    {100, 80, 40 * MIB, WHY_TOTAL("100 MiB in all, has 80 and would need 120")},
    {100, 99, 1, NULL},
    {100, 100, 1, WHY_TOTAL("100 MiB in all, has 100 and would need 101")},
    /* an unknown size: Glance's own condition */
    {100, 100, 0, NULL},
    {100, 120, 0, WHY_TOTAL("100 MiB in all, has 120 and would need 120")},
    {0, 0, 1, WHY_TOTAL("0 MiB in all, has 0 and would need 1")},
    {-1, INT64_MAX, UINT64_MAX, NULL},
    {INT64_MAX, 0, UINT64_MAX, NULL},
    {INT64_MAX, INT64_MAX, UINT64_MAX,
     WHY_TOTAL("9223372036854775807 MiB in all, has 9223372036854775807 and would need "
               "9223389629040820223")},
};

static void the_total_has_this_upload_counted_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TOTALS / sizeof *TOTALS; i++) {
        const struct usage_limit tight = {true, 0, 1000};
        struct usage usage = {.image_stage_total = tight};
        char why[USAGE_WORDS] = "?";
        usage.image_size_total = (struct usage_limit){true, TOTALS[i].limit, TOTALS[i].used};
        assert_int_equal(usage_allows(&usage, false, 0, TOTALS[i].size, why), !TOTALS[i].why);
        assert_string_equal(why, TOTALS[i].why ? TOTALS[i].why : "");
    }
}

static void reserved_bytes_count(void **state)
{
    (void)state;
    const struct usage usage = {.image_size_total = {true, 9, 1}};
    char why[USAGE_WORDS];
    assert_true(usage_allows(&usage, false, 5 * MIB + 1, 3 * MIB - 1, why));
    assert_false(usage_allows(&usage, false, 5 * MIB + 1, 3 * MIB, why));
    assert_string_equal(why,
                        WHY_TOTAL("9 MiB in all, has 1, with 6 on their way, and would need 10"));
    assert_false(usage_allows(&usage, false, UINT64_MAX, UINT64_MAX, why));
}

static void remaining_quota_is_in_bytes(void **state)
{
    (void)state;
    static const struct {
        struct usage_limit limit;
        uint64_t left;
    } rows[] = {{{true, 9, 1}, 8 * MIB},     {{true, 9, 9}, 0},
                {{true, 9, 12}, 0},          {{true, -1, 5}, UINT64_MAX},
                {{false, 0, 0}, UINT64_MAX}, {{true, INT64_MAX, 0}, UINT64_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct usage usage = {.image_size_total = rows[i].limit,
                                    .image_stage_total = {true, 1, 0}};
        assert_true(usage_left(usage_limit_of(&usage, false)) == rows[i].left);
        assert_true(usage_left(usage_limit_of(&usage, true)) == MIB);
    }
}

static void staged_data_has_a_total_of_its_own(void **state)
{
    (void)state;
    struct usage usage = {.image_size_total = {true, 0, 1000}, .image_stage_total = {true, 10, 4}};
    char why[USAGE_WORDS];
    assert_true(usage_allows(&usage, true, 0, 6 * MIB, why));
    assert_false(usage_allows(&usage, true, 0, 7 * MIB, why));
    assert_string_equal(why, "the project may keep 10 MiB in the staging area, has 4 and would "
                             "need 11 (image_stage_total)");
}

static void this_upload_counts_as_one_more(void **state)
{
    (void)state;
    static const struct {
        int64_t limit;
        int64_t used;
        bool fits;
    } rows[] = {{2, 1, true}, {1, 1, false}, {0, 0, false}, {-1, 500, true}, {5, 4, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct usage usage = {.image_count_uploading = {true, rows[i].limit, rows[i].used}};
        char why[USAGE_WORDS];
        assert_int_equal(usage_allows(&usage, false, 0, 1, why), rows[i].fits);
        assert_int_equal(usage_allows(&usage, true, 0, 0, why), rows[i].fits);
    }
    const struct usage full = {.image_count_uploading = {true, 1, 1}};
    char why[USAGE_WORDS];
    assert_false(usage_allows(&full, false, 0, 1, why));
    assert_string_equal(why, "the project may upload 1 images at a time, and has 1 under way "
                             "(image_count_uploading)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_from_the_answer),
        cmocka_unit_test(absent_limit_limits_nothing),
        cmocka_unit_test(another_answer_limits_nothing),
        cmocka_unit_test(a_cut_answer_limits_nothing),
        cmocka_unit_test(the_total_has_this_upload_counted_in),
        cmocka_unit_test(reserved_bytes_count),
        cmocka_unit_test(remaining_quota_is_in_bytes),
        cmocka_unit_test(staged_data_has_a_total_of_its_own),
        cmocka_unit_test(this_upload_counts_as_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
