/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/format/format_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_first_cause_is_kept(void **state)
{
    (void)state;
    char words[FORMAT_WORDS] = "";
    format_explain(words, "version %d", 3);
    format_explain(words, "something else");
    assert_string_equal(words, "version 3");
}

static void only_printable_ascii_is_written(void **state)
{
    (void)state;
    char words[FORMAT_WORDS] = "";
    format_explain(words, "%s", "a\x01\x1F ~\x7F\x80\xC3\xA4\xFF\n");
    assert_string_equal(words, "a?? ~??????");
}

static void long_text_ends_in_dots(void **state)
{
    (void)state;
    char text[2 * FORMAT_WORDS];
    memset(text, 'x', sizeof text);
    for (size_t length = FORMAT_WORDS - 2; length <= FORMAT_WORDS + 1; length++) {
        char words[FORMAT_WORDS] = "";
        format_explain(words, "%.*s", (int)length, text);
        assert_int_equal(strlen(words), length < FORMAT_WORDS ? length : FORMAT_WORDS - 1);
        assert_int_equal(strstr(words, "...") != NULL, length >= FORMAT_WORDS);
    }
}

static void a_size_has_63_bits(void **state)
{
    (void)state;
    static const struct {
        uint64_t count, unit;
        bool known;
    } rows[] = {
        {0, 512, true},
        {16384, 512, true},
        {INT64_MAX, 1, true},
        {UINT64_C(1) << 63, 1, false},
        {(UINT64_C(1) << 54) - 1, 512, true},
        {UINT64_C(1) << 54, 512, false},
        {(UINT64_C(1) << 55) + 1, 512, false}, /* 512 once it has gone round */
        {UINT64_MAX, 512, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct format_examination out = {0};
        examination_set_size(&out, rows[i].count, rows[i].unit);
        assert_int_equal(out.virtual_size_known, rows[i].known);
        assert_int_equal(*out.broken == '\0', rows[i].known);
        assert_true(out.virtual_size == (rows[i].known ? rows[i].count * rows[i].unit : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_cause_is_kept),
        cmocka_unit_test(only_printable_ascii_is_written),
        cmocka_unit_test(long_text_ends_in_dots),
        cmocka_unit_test(a_size_has_63_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
