/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/record.h"
#include "stats/records_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fixes_have_texts(void **state)
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
        {FIX_COMPRESSED | FIX_STORE, "store, compressed"},
        {FIX_STORE | FIX_CONTENT_TYPE | FIX_MULTIPART | FIX_LENGTH,
         "store, content-type, multipart, length"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char text[64] = "earlier";
        record_fixes_text(ROWS[i].fixes, text);
        assert_string_equal(text, ROWS[i].text);
    }
}

static void warnings_have_texts(void **state)
{
    (void)state;
    char text[RECORD_WARNINGS_TEXT] = "earlier";
    record_warnings_text(0, text);
    assert_string_equal(text, "");
    record_warnings_text(refusal_bit(REFUSAL_DAMAGED_BODY), text);
    assert_string_equal(text, "damaged_body");
    record_warnings_text(refusal_bit(REFUSAL_UNSAFE_FORMAT) | refusal_bit(REFUSAL_DAMAGED_BODY),
                         text);
    assert_string_equal(text, "damaged_body, unsafe_format");
}

/* However long the table gets, nothing of it is cut off. */
static void all_warnings_fit(void **state)
{
    (void)state;
    char text[RECORD_WARNINGS_TEXT];
    record_warnings_text(UINT64_MAX, text);
    size_t wanted = 0;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const char *name = refusal_row((enum refusal)i)->name;
        assert_non_null(strstr(text, name));
        wanted += strlen(name) + 2;
    }
    assert_int_equal(strlen(text), wanted - 2);
}

static void audited_findings_have_texts(void **state)
{
    (void)state;
    static const struct {
        unsigned fixes;
        uint64_t reasons;
        const char *text;
    } ROWS[] = {
        {0, 0, ""},
        {FIX_STORE, 0, "store"},
        {0, UINT64_C(1) << REFUSAL_TOO_MANY_CONNECTIONS, "too_many_connections"},
        {FIX_CONTENT_TYPE | FIX_STORE, UINT64_C(1) << REFUSAL_DAMAGED_BODY,
         "store, content-type, damaged_body"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct request_record record = {.audit_fixes = ROWS[i].fixes,
                                              .audit_reasons = ROWS[i].reasons,
                                              .fixes = FIX_LENGTH,
                                              .warnings = 2};
        char text[RECORD_AUDIT_TEXT] = "earlier";
        record_audit_text(&record, text);
        assert_string_equal(text, ROWS[i].text);
    }
}

static void all_audited_findings_fit(void **state)
{
    (void)state;
    const struct request_record record = {.audit_fixes = ~0U, .audit_reasons = UINT64_MAX};
    char fixes[64], reasons[RECORD_WARNINGS_TEXT], text[RECORD_AUDIT_TEXT];
    record_fixes_text(~0U, fixes);
    record_warnings_text(UINT64_MAX, reasons);
    record_audit_text(&record, text);
    assert_int_equal(strlen(text), strlen(fixes) + 2 + strlen(reasons));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixes_have_texts),         cmocka_unit_test(warnings_have_texts),
        cmocka_unit_test(all_warnings_fit),         cmocka_unit_test(audited_findings_have_texts),
        cmocka_unit_test(all_audited_findings_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
