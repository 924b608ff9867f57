/* SPDX-License-Identifier: Apache-2.0 */
#include "body/encoded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 64 * 1024, LINE = 77 };

static char text[MANY + 1];

/* The beginning, and then the same again and again. */
static void fill(const char *begin, const char *again)
{
    size_t at = strlen(begin);
    memcpy(text, begin, at); /* NOLINT(bugprone-not-null-terminated-result) */
    for (size_t length = strlen(again); at < MANY; at++)
        text[at] = again[(at - strlen(begin)) % length];
}

static void assert_told(const char *expected)
{
    const char *told = encoded_as(text, MANY);
    if ((told == NULL) != (expected == NULL) || (told && strcmp(told, expected) != 0))
        fail_msg("%s instead of %s: %.40s", told ? told : "nothing",
                 expected ? expected : "nothing", text);
}

static void encoded_texts_are_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *again, *told;
    } rows[] = {
        {"", "UUZJ+wAAAAMAAA==", "base64 text"},
        {"", "UUZJ-wAAAAMAAA__", "base64 text"},
        {"", "514649fb00000003", "hexadecimal digits"},
        {"", "QFI%FB%00%00%00%03", "percent-encoded text"},
        {"file=", "QFI%FB%00%00%00%03", "the fields of an HTML form (name=value)"},
        {"{\"file\": \"", "UUZJ+wAAAAMAAA==", "JSON"},
        {"[81, 70, ", "73, 251, ", "JSON"},
        {"data:application/octet-stream;base64,", "UUZJ+wAAAAMAAA==", "a data: URL"},
        {"", "#!/bin/sh and more of it ", NULL},
        {"", "100% of it ", NULL},
        {"QFI\xFB", "UUZJ+wAAAAMAAA==", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill(rows[i].begin, rows[i].again);
        assert_told(rows[i].told);
    }
}

static void encoded_lines_are_all_as_long_as_the_first(void **state)
{
    (void)state;
    for (int crlf = 0; crlf < 2; crlf++) {
        fill("", "UUZJ+wAAAAMAAAAB");
        for (size_t at = LINE - 1; at < MANY; at += LINE) {
            text[at] = '\n';
            if (crlf)
                text[at - 1] = '\r';
        }
        assert_told("base64 text");
        text[100 * LINE + 5] = '\0';
        assert_told(NULL);
    }
    fill("", "words of a text and then ");
    for (size_t at = 70; at < MANY; at += 50 + at % 30)
        text[at] = '\n';
    assert_told(NULL);
}

static void short_text_is_not_recognized(void **state)
{
    (void)state;
    fill("", "514649fb00000003");
    assert_null(encoded_as(text, 4095));
    assert_non_null(encoded_as(text, 4096));
    assert_null(encoded_as(text, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_texts_are_recognized),
        cmocka_unit_test(encoded_lines_are_all_as_long_as_the_first),
        cmocka_unit_test(short_text_is_not_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
