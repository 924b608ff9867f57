/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/ingest_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void one_json_text_is_read(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "{}",
        "[]",
        " \t\r\n{\"a\": [1, -2.5e3, true, null]}\n",
        "{\"a\": {\"x\": 1}, \"b\": {\"x\": 2}}",
        "[\"a\\u0000b\"]",
        "[\"\\ud83d\\ude00\"]",
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const char *fault = NULL;
        json_t *document = ingest_load(strings[i], strlen(strings[i]), &fault);
        if (!document || fault)
            fail_msg("%s: %s", strings[i], fault);
        json_decref(document);
    }
}

static void ambiguous_json_is_refused(void **state)
{
    (void)state;
    static const char none[] = "it is no JSON text in UTF-8";
    static const char twice[] = "it has one key twice";
    static const char number[] = "it has a number that is too large";
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"", none},
        {" ", none},
        {"{", none},
        {"{} {}", none},
        {"{}x", none},
        {"\"text\"", none},
        {"1", none},
        {"{'a': 1}", none},
        {"[1,]", none},
        {"[NaN]", none},
        {"[Infinity]", none},
        {"[\"\\ud800\"]", none},
        {"[\"\x80\"]", none},
        {"[\"\xc0\xaf\"]", none},
        {"[\"\xed\xa0\x80\"]", none},
        {"\xef\xbb\xbf{}", none},
        {"[\"a\nb\"]", none},
        {"{\"a\\u0000b\": 1}", none},
        {"{\"a\": 1, \"a\": 1}", twice},
        {"{\"a\": 1, \"\\u0061\": 2}", twice},
        {"[{\"b\": {\"a\": 1, \"a\": 2}}]", twice},
        {"[1e999]", number},
        {"[123456789012345678901234567890]", number},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *fault = NULL;
        assert_null(ingest_load(rows[i].text, strlen(rows[i].text), &fault));
        assert_string_equal(fault, rows[i].fault);
    }
}

/* A NUL in the text does not end it. */
static void trailing_bytes_are_refused(void **state)
{
    (void)state;
    const char *fault = NULL;
    assert_null(ingest_load("{}\0", 3, &fault));
    assert_null(ingest_load("{}\0{\"a\": 1}", 11, &fault));
    json_t *document = ingest_load("[] and what stands behind it", 2, &fault);
    assert_non_null(document);
    json_decref(document);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    static char deep[100000];
    const char *fault = NULL;
    memset(deep, '[', sizeof deep);
    assert_null(ingest_load(deep, sizeof deep, &fault));
    assert_string_equal(fault, "it is nested too deeply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_json_text_is_read),
        cmocka_unit_test(ambiguous_json_is_refused),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
