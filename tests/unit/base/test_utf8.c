/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/utf8.h"

#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *text;
    size_t length;
} CHARACTERS[] = {
    {"", 0},
    {"a", 1},
    {" ", 1},
    {"\t", 0},
    {"\x1b", 0},
    {"\x7f", 0},
    {"\xC2\xA0", 2},
    {"\xC2\x85", 0}, /* U+0085, next line */
    {"\xC0\xAF", 0}, /* '/' in two bytes */
    {"\xC3\xA4z", 2},
    {"\xC3", 0},
    {"\xC3z", 0},
    {"\xE2\x82\xAC", 3},
    {"\xE2\x82", 0},
    {"\xE0\x9F\xBF", 0},
    {"\xED\xA0\x80", 0}, /* a surrogate */
    {"\xF0\x9F\x90\xA7", 4},
    {"\xF4\x90\x80\x80", 0}, /* beyond U+10FFFF */
    {"\x80", 0},
    {"\xE2\x80\xA7", 3},
    {"\xE2\x80\xA8", 0}, /* U+2028, the end of a line */
    {"\xE2\x80\xA9", 0},
    {"\xE2\x80\xAE", 0}, /* U+202E, from right to left. NOLINT(misc-misleading-bidirectional) */
    {"\xE2\x80\xAF", 3},
    {"\xE2\x80\x8B", 0}, /* U+200B, a space without width */
    {"\xE2\x80\x8D", 3}, /* U+200D joins: scripts and emoji need it */
    {"\xE2\x80\x8F", 0},
    {"\xE2\x81\xA6", 0},     /* U+2066. NOLINT(misc-misleading-bidirectional) */
    {"\xD8\x9C", 0},         /* U+061C */
    {"\xD8\xA7", 2},         /* a letter of such a script */
    {"\xEF\xBB\xBF", 0},     /* U+FEFF */
    {"\xF3\xA0\x81\x81", 0}, /* a tag */
    {"\xFF", 0},
};

static void characters_are_valid_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CHARACTERS / sizeof *CHARACTERS; i++)
        if (utf8_printable(CHARACTERS[i].text) != CHARACTERS[i].length)
            fail_msg("row %zu: %zu", i, utf8_printable(CHARACTERS[i].text));
}

static void invalid_bytes_are_replaced(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 64);
    assert_true(utf8_clean("gr\xC3\xBCn \xE4\n!", &out));
    assert_string_equal(buffer_text(&out), "gr\xC3\xBCn \xEF\xBF\xBD\xEF\xBF\xBD!");
    buffer_free(&out);
}

static void replacement_stops_at_the_limit(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4);
    assert_false(utf8_clean("12345", &out));
    buffer_free(&out);
}

static void unprintable_characters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *keep, *shown;
    } rows[] = {
        {"gr\xC3\xBCn", "", "gr\xC3\xBCn"},
        {"a\nb\tc\x1B[31m\x7F", "", "a\\nb\\x09c\\x1b[31m\\x7f"},
        {"a\nb\t\n", "\n", "a\nb\\x09\n"},
        {"\xE2\x80\xAE \xE2\x80\xA8 \xFF", /* NOLINT(misc-misleading-bidirectional): U+202E, U+2028
                                            */
         "\n", "\\xe2\\x80\\xae \\xe2\\x80\\xa8 \\xff"},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char shown[256] = "";
        FILE *out = fmemopen(shown, sizeof shown, "w");
        assert_non_null(out);
        utf8_show(rows[i].text, rows[i].keep, out);
        fclose(out);
        assert_string_equal(shown, rows[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_valid_or_not),
        cmocka_unit_test(invalid_bytes_are_replaced),
        cmocka_unit_test(replacement_stops_at_the_limit),
        cmocka_unit_test(unprintable_characters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
