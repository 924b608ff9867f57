/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

#define WATCHED "rules:\n  - {name: watched, when: {name: w}, store: file, mode: audit}\n"
#define DEFAULT "default: {store: test}\n"

static const char *const NO_FIELDS[] = {NULL};

static void begin(struct fixture *fixture, void **state, enum audit audit)
{
    fixture_begin(fixture, state, NO_FIELDS);
    fixture_audit(fixture, audit);
}

static void the_policy_decides_the_audit_mode(void **state)
{
    static const struct {
        const char *policy;
        enum audit audit;
    } rows[] = {
        {DEFAULT, AUDIT_OFF},
        {"mode: enforce\n" DEFAULT, AUDIT_OFF},
        {WATCHED DEFAULT, AUDIT_UNDECIDED},
        {"mode: audit\n" DEFAULT, AUDIT_ON},
        {"mode: audit\n" WATCHED DEFAULT, AUDIT_ON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, AUDIT_OFF);
        fixture_policy(&fixture, state, rows[i].policy);
        audit_begin(fixture.x);
        assert_int_equal(fixture_audit_mode(&fixture), rows[i].audit);
        assert_int_equal(audit_only(fixture.x), rows[i].audit == AUDIT_ON);
        fixture_end(&fixture);
    }
}

static void an_enforced_violation_refuses(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, AUDIT_OFF);
    assert_outcome(&fixture, report_violation(fixture.x, REFUSAL_CONTENT_RANGE),
                   REFUSAL_CONTENT_RANGE, NULL);
    fixture_end(&fixture);
    begin(&fixture, state, AUDIT_OFF);
    assert_outcome(&fixture, report_violation_for(fixture.x, REFUSAL_TOO_LARGE, "%d bytes", 7),
                   REFUSAL_TOO_LARGE, "7 bytes");
    assert_true(fixture_record(&fixture)->audit_reasons == 0);
    fixture_end(&fixture);
}

static void audit_mode_notes_a_violation_once(void **state)
{
    static const uint64_t noted = UINT64_C(1) << REFUSAL_TOO_LARGE | UINT64_C(1)
                                                                         << REFUSAL_EMPTY_BODY;
    char text[1024];
    struct fixture fixture;
    begin(&fixture, state, AUDIT_ON);
    for (int i = 0; i < 3; i++)
        assert_outcome(&fixture, report_violation_for(fixture.x, REFUSAL_TOO_LARGE, "%d bytes", i),
                       REFUSAL_NONE, NULL);
    assert_outcome(&fixture, report_violation(fixture.x, REFUSAL_EMPTY_BODY), REFUSAL_NONE, NULL);
    assert_true(fixture_record(&fixture)->audit_reasons == noted);
    assert_logged(&fixture, "req-1: would be refused: too_large: 0 bytes\n");
    assert_logged(&fixture, "req-1: would be refused: empty_body\n");
    fixture_log(&fixture, text, sizeof text);
    assert_null(strstr(text, "1 bytes"));
    fixture_end(&fixture);
}

/* Until the rule is known, a violation is neither refused nor noted. */
static void violations_are_kept_until_the_rule_is_known(void **state)
{
    for (int watches = 0; watches < 2; watches++) {
        struct fixture fixture;
        begin(&fixture, state, AUDIT_UNDECIDED);
        assert_outcome(&fixture, report_violation_for(fixture.x, REFUSAL_EMPTY_BODY, "%s", "none"),
                       REFUSAL_NONE, NULL);
        assert_outcome(&fixture, report_violation(fixture.x, REFUSAL_CONTENT_RANGE), REFUSAL_NONE,
                       NULL);
        assert_true(fixture_record(&fixture)->audit_reasons == 0);
        assert_logged(&fixture, NULL);
        fixture.decision->audit = watches;
        assert_outcome(&fixture, audit_decided(fixture.x, fixture.decision->audit),
                       watches ? REFUSAL_NONE : REFUSAL_EMPTY_BODY, watches ? NULL : "none");
        assert_int_equal(audit_only(fixture.x), watches);
        if (watches)
            assert_logged(&fixture, "would be refused: empty_body: none\n");
        if (watches)
            assert_logged(&fixture, "would be refused: content_range\n");
        fixture_end(&fixture);
    }
}

/* The first ones are kept. */
static void pending_violations_beyond_the_limit_are_dropped(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, AUDIT_UNDECIDED);
    for (int i = 0; i < PENDING_MAX + 2; i++)
        assert_int_equal(report_violation_for(fixture.x, REFUSAL_TOO_LARGE, "%d", i), STEP_NEXT);
    assert_int_equal(fixture_pending(&fixture), PENDING_MAX);
    assert_outcome(&fixture, audit_decided(fixture.x, fixture.decision->audit), REFUSAL_TOO_LARGE,
                   "0");
    fixture_end(&fixture);
}

static void audit_mode_may_begin_with_a_later_decision(void **state)
{
    static const struct {
        enum audit before;
        bool watches;
        enum audit after;
    } rows[] = {
        {AUDIT_OFF, false, AUDIT_OFF},
        {AUDIT_OFF, true, AUDIT_ON}, /* the size has chosen an audit rule */
        {AUDIT_ON, true, AUDIT_ON},
        {AUDIT_ON, false, AUDIT_ON}, /* the request has gone on as it came */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].before);
        fixture.decision->audit = rows[i].watches;
        assert_int_equal(audit_decided(fixture.x, fixture.decision->audit), STEP_NEXT);
        assert_int_equal(fixture_audit_mode(&fixture), rows[i].after);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_policy_decides_the_audit_mode),
        FIXTURE_TEST(an_enforced_violation_refuses),
        FIXTURE_TEST(audit_mode_notes_a_violation_once),
        FIXTURE_TEST(violations_are_kept_until_the_rule_is_known),
        FIXTURE_TEST(pending_violations_beyond_the_limit_are_dropped),
        FIXTURE_TEST(audit_mode_may_begin_with_a_later_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
