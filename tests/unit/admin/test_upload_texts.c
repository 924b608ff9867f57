/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin_priv.h"
#include "intake/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_fixes(void **state)
{
    (void)state;
    static const struct {
        unsigned fixes;
        const char *text;
    } ROWS[] = {
        {0, ""},
        {FIX_STORE, "store"},
        {FIX_LENGTH, "length"},
        {FIX_CONTENT_TYPE | FIX_STORE, "store, content-type"},
        {FIX_LENGTH | FIX_MULTIPART, "multipart, length"},
        {FIX_STORE | FIX_CONTENT_TYPE | FIX_MULTIPART | FIX_LENGTH,
         "store, content-type, multipart, length"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char text[64] = "earlier";
        upload_fixes_text(ROWS[i].fixes, text);
        assert_string_equal(text, ROWS[i].text);
    }
}

static void test_warnings(void **state)
{
    (void)state;
    char text[UPLOAD_WARNINGS_TEXT] = "earlier";
    upload_warnings_text(0, text);
    assert_string_equal(text, "");
    upload_warnings_text(1U << REFUSAL_DAMAGED_BODY, text);
    assert_string_equal(text, "damaged_body");
    upload_warnings_text(1U << REFUSAL_UNSAFE_FORMAT | 1U << REFUSAL_DAMAGED_BODY, text);
    assert_string_equal(text, "damaged_body, unsafe_format");
}

/* However long the table gets, nothing of it is cut off. */
static void test_every_warning_at_once(void **state)
{
    (void)state;
    char text[UPLOAD_WARNINGS_TEXT];
    upload_warnings_text(~0U, text);
    size_t wanted = 0;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const char *name = refusal_row((enum refusal)i)->name;
        assert_non_null(strstr(text, name));
        wanted += strlen(name) + 2;
    }
    assert_int_equal(strlen(text), wanted - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixes),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_every_warning_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
