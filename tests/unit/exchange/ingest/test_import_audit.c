/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/ingest/buffered_import.h"

static void watch_all(struct fixture *fixture, void **state)
{
    char text[sizeof POLICY + 32];
    snprintf(text, sizeof text, "mode: audit\n%s", POLICY);
    fixture_policy(fixture, state, text);
}

static void audit_mode_changes_no_import(void **state)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        struct fixture fixture;
        begin(&fixture, state, REFUSED[i].name, REFUSED[i].header, REFUSED[i].text, GLANCE_HAS);
        watch_all(&fixture, state);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_int_equal(fixture_record(&fixture)->audit_reasons, refusal_bit(REFUSED[i].refusal));
        assert_unchanged(&fixture);
        assert_text(buffer_text(fixture_json(&fixture)), REFUSED[i].text);
        assert_logged(&fixture, REFUSED[i].detail);
        fixture_end(&fixture);
    }
}

/* One rule is in audit mode, or all of them. A body that cannot be read has no rule. */
static void audit_mode_notes_a_change_of_the_store(void **state)
{
    static const struct {
        const char *name, *header, *store;
        bool all;
        unsigned fixes;
    } rows[] = {
        {"watched", NULL, NULL, false, FIX_STORE}, {"watched", "file", "file", false, FIX_STORE},
        {"watched", "test", "test", false, 0},     {"", NULL, NULL, true, FIX_STORE},
        {"", "file", "file", true, FIX_STORE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].header, "{" DIRECT "}", GLANCE_HAS);
        if (rows[i].all)
            watch_all(&fixture, state);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_int_equal(fixture_record(&fixture)->audit_fixes, rows[i].fixes);
        assert_int_equal(fixture_record(&fixture)->fixes, 0);
        assert_unchanged(&fixture);
        assert_text(fixture_record(&fixture)->store, rows[i].store);
        fixture_end(&fixture);
    }
}

static void an_audit_rule_does_not_allow_a_closed_method(void **state)
{
    static const struct {
        const char *text;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"{\"method\": {\"name\": \"glance-download\"}}", REFUSAL_DENIED_BY_POLICY,
         "imports by glance-download are closed"},
        {"{", REFUSAL_JSON_MALFORMED, "it is no JSON text in UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "watched", NULL, rows[i].text, GLANCE_HAS);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), rows[i].refusal,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

static void an_import_that_is_too_long_is_not_checked(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "", "file", "{" DIRECT "}", GLANCE_HAS);
    fixture.json->unchecked = true;
    assert_int_equal(fixture_run(&fixture, import_decide), STEP_NEXT);
    assert_null(fixture_record(&fixture)->rule);
    assert_unchanged(&fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(audit_mode_changes_no_import),
        FIXTURE_TEST(audit_mode_notes_a_change_of_the_store),
        FIXTURE_TEST(an_audit_rule_does_not_allow_a_closed_method),
        FIXTURE_TEST(an_import_that_is_too_long_is_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
