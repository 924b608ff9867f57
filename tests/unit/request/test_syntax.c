/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_token_has_only_token_characters(void **state)
{
    (void)state;
    static const char good[] = "!#$%&'*+-.^_`|~09AZaz";
    for (unsigned c = 1; c < 256; c++) {
        char text[] = {'x', (char)c, '\0'};
        assert_int_equal(token_valid(text), strchr(good, (int)c) || (c >= '0' && c <= '9') ||
                                                (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
    }
    assert_false(token_valid(""));
}

static void a_value_has_no_control_character_but_a_tab(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        char text[] = {'x', (char)c, '\0'};
        assert_int_equal(value_valid(text), c == '\t' || (c >= 0x20 && c != 0x7f));
    }
    assert_true(value_valid(""));
}

static void a_host_is_a_name_or_an_address_with_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {"images.example.org",
                                       "images.example.org:9292",
                                       "h:",
                                       "192.0.2.7:80",
                                       "[2001:db8::1]",
                                       "[::1]:9292",
                                       "glance_api.internal:1",
                                       "LOCALHOST"};
    static const char *const bad[] = {"",        ":80",   "a b",       "a/b", "a@b",    "user:pw@h",
                                      "h:80:80", "h:8x",  "h?",        "h#",  "[::1",   "::1",
                                      "h,h",     "\"h\"", "<h>",       "h\\", "[::1]x", "[h/]",
                                      "h\t",     "h:-1",  "h\xc3\xa4", "h%0a"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(host_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(host_valid(bad[i]));
}

static void an_escape_is_a_percent_sign_and_two_digits(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        static const char *const digits[] = {"0123456789abcdef", "0123456789ABCDEF"};
        for (int i = 0; i < 4; i++) {
            char text[] = {'%', digits[i & 1][byte >> 4], digits[i >> 1][byte & 15], '\0'};
            assert_int_equal(percent_decoded(text), byte);
        }
    }
    static const char *const bad[] = {"",     "%",  "%4",   "%4g", "%g4",
                                      "%%41", "41", "x%41", "% 4", "%+4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(percent_decoded(bad[i]), -1);
}

static void a_list_ends_where_a_separator_is_not_quoted(void **state)
{
    (void)state;
    static const char *const wanted[] = {"a", "", "b \"c,\\\" d\" e", "f"};
    const char *at = "a,, b \"c,\\\" d\" e \t,f";
    struct span element;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_true(list_next(&at, ',', &element));
        assert_true(span_is(element, wanted[i]));
    }
    assert_false(list_next(&at, ',', &element));

    at = "\"never closed, \\";
    assert_true(list_next(&at, ',', &element));
    assert_true(span_is(element, "\"NEVER closed, \\"));
    assert_false(list_next(&at, ',', &element));
}

static void a_list_may_have_empty_elements(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool quotes;
        const char *elements[4];
    } rows[] = {
        {"", false, {""}},
        {"a", false, {"a"}},
        {"a,", false, {"a", ""}},
        {" , \t", false, {"", ""}},
        {"\"a, b\"", false, {"\"a", "b\""}},
        {"\"a, b\"", true, {"\"a, b\""}},
        {"\"\\\", b\", c", true, {"\"\\\", b\"", "c"}},
        {"a, \", b", true, {"a", "\", b"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count = 0;
        for (const char *at = rows[i].text; at; count++) {
            struct span element = list_element(&at, ',', rows[i].quotes);
            assert_non_null(rows[i].elements[count]);
            assert_true(span_is(element, rows[i].elements[count]));
        }
        assert_null(rows[i].elements[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_only_token_characters),
        cmocka_unit_test(a_value_has_no_control_character_but_a_tab),
        cmocka_unit_test(a_host_is_a_name_or_an_address_with_a_port),
        cmocka_unit_test(an_escape_is_a_percent_sign_and_two_digits),
        cmocka_unit_test(a_list_ends_where_a_separator_is_not_quoted),
        cmocka_unit_test(a_list_may_have_empty_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
