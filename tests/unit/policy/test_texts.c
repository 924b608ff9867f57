/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void texts_are_joined_with_commas_and_and(void **state)
{
    (void)state;
    static const char *const joined[][2] = {
        {"", ""}, {"a", "a"}, {"a or b", "a, b"}, {"a, b or c", "a, b, c"}};
    struct strings strings = {0};
    const char *const words[] = {"a", "b", "c"};
    for (size_t i = 0; i < 4; i++) {
        char *with_or = strings_join(&strings, " or ");
        char *with_comma = strings_join(&strings, ", ");
        assert_string_equal(with_or, joined[i][0]);
        assert_string_equal(with_comma, joined[i][1]);
        free(with_or);
        free(with_comma);
        if (i < 3)
            assert_true(strings_add(&strings, words[i]));
    }
    strings_free(&strings);
}

static void texts_must_match_exactly(void **state)
{
    (void)state;
    struct strings strings = {0};
    assert_false(strings_have(&strings, "a"));
    assert_true(strings_add(&strings, "file"));
    assert_true(strings_have(&strings, "file"));
    assert_false(strings_have(&strings, "File"));
    assert_false(strings_have(&strings, "fil"));
    strings_free(&strings);
}

static void a_list_has_a_maximum(void **state)
{
    (void)state;
    struct strings strings = {0};
    for (size_t i = 0; i < POLICY_LIST_MAX; i++)
        assert_true(strings_add(&strings, "x"));
    assert_false(strings_add(&strings, "x"));
    strings_free(&strings);
}

static void names_are_valid_in_headers(void **state)
{
    (void)state;
    char longest[POLICY_NAME_MAX + 2] = "";
    for (size_t i = 0; i < POLICY_NAME_MAX; i++)
        longest[i] = 'a';
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"a", true},         {"windows-images", true}, {"S3.eu_1", true}, {"", false},
        {"a b", false},      {"a,b", false},           {"a\n", false},    {"a:b", false},
        {"\xc3\xa4", false}, {"a\r\nX: y", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(policy_name_valid(rows[i].name), rows[i].good);
    assert_true(policy_name_valid(longest));
    longest[POLICY_NAME_MAX] = 'a';
    assert_false(policy_name_valid(longest));
}

static void reserved_stores_are_recognized(void **state)
{
    (void)state;
    assert_true(policy_store_reserved("os_glance_staging_store"));
    assert_true(policy_store_reserved("os_glance_tasks_store"));
    assert_true(policy_store_reserved("os_glance_"));
    assert_false(policy_store_reserved("os_glance"));
    assert_false(policy_store_reserved("test"));
    assert_false(policy_store_reserved("my_os_glance_store"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_joined_with_commas_and_and),
        cmocka_unit_test(texts_must_match_exactly),
        cmocka_unit_test(a_list_has_a_maximum),
        cmocka_unit_test(names_are_valid_in_headers),
        cmocka_unit_test(reserved_stores_are_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
