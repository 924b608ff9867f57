/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/upload/decided_upload.h"

static void audit_mode_decides_and_refuses_nothing(void **state)
{
    static const struct {
        const char *name, *requested;
        uint64_t size;
        const char *stores, *rule;
        enum refusal noted;
    } rows[] = {
        {"other", NULL, 10, GLANCE_HAS, "default", REFUSAL_NONE},
        {"other", "file", 10, GLANCE_HAS, "default", REFUSAL_NONE},
        {"other", NULL, 10, GLANCE_HAS_LESS, "default", REFUSAL_STORE_UNKNOWN},
        {"other", NULL, 4097, GLANCE_HAS, "large", REFUSAL_TOO_LARGE},
        {"choice", "rbd", 10, GLANCE_HAS, "choice", REFUSAL_STORE_NOT_ALLOWED},
        {"choice", "gold", 10, GLANCE_HAS, "choice", REFUSAL_STORE_NOT_ALLOWED},
        {"denied", NULL, 10, GLANCE_HAS, "denied", REFUSAL_DENIED_BY_POLICY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].stores);
        fixture_audit(&fixture, AUDIT_ON);
        fixture.size->bytes = rows[i].size;
        fixture_request_store(&fixture, rows[i].requested);
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), REFUSAL_NONE, NULL);
        assert_decided(&fixture, rows[i].rule, NULL); /* Glance chooses the store */
        assert_true(fixture_record(&fixture)->audit_reasons ==
                    (rows[i].noted ? refusal_bit(rows[i].noted) : 0));
        fixture_end(&fixture);
    }
}

static const char SOME[] = "rules:\n"
                           "  - {name: large, when: {larger_than: 1KiB}, deny: too much}\n"
                           "  - {name: watched, when: {name: watched}, store: file, mode: audit}\n"
                           "default: {store: test}\n";

/* A violation of the head was kept before. */
static void kept_violations_count_unless_the_rule_is_in_audit_mode(void **state)
{
    for (int watched = 0; watched < 2; watched++) {
        struct fixture fixture;
        begin(&fixture, state, watched ? "watched" : "other", GLANCE_HAS);
        fixture_policy(&fixture, state, SOME);
        audit_begin(fixture.x);
        assert_int_equal(report_violation(fixture.x, REFUSAL_CONTENT_RANGE), STEP_NEXT);
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide),
                       watched ? REFUSAL_NONE : REFUSAL_CONTENT_RANGE, NULL);
        assert_decided(&fixture, watched ? "watched" : NULL, NULL);
        fixture_end(&fixture);
    }
}

/* Nothing is spooled, so the size does not become known. */
static void in_audit_mode_the_decision_does_not_wait(void **state)
{
    static const struct {
        const char *policy;
        enum framing framing;
        bool form;
        uint64_t ceiling;
        bool size_chose;
    } rows[] = {
        {POLICY, FRAMING_CHUNKED, false, UINT64_MAX,
         false}, /* all rules are in audit mode: see below */
        {SOME, FRAMING_CHUNKED, false, 1024, true},
        {SOME, FRAMING_LENGTH, true, 1024, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "watched", GLANCE_HAS);
        fixture_policy(&fixture, state, rows[i].policy);
        fixture.client.framing.framing = rows[i].framing;
        fixture.head->declared_form = rows[i].form;
        fixture.size->known = false;
        fixture.size->comes_later = true;
        fixture_audit(&fixture, rows[i].policy == SOME ? AUDIT_UNDECIDED : AUDIT_ON);
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), REFUSAL_NONE, NULL);
        assert_true(audit_only(fixture.x));
        assert_false(upload_decision_waits(fixture.upload));
        assert_non_null(fixture_record(&fixture)->rule);
        assert_int_equal(upload_limits(fixture.upload).size_ceiling, rows[i].ceiling);
        assert_int_equal(upload_chosen_by_size(fixture.upload), rows[i].size_chose);
        fixture_end(&fixture);
    }
}

/* A Content-Length is certain; and if every rule is in audit mode, no rule can be avoided. */
static void a_certain_size_sets_no_ceiling(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "watched", GLANCE_HAS);
    fixture_policy(&fixture, state, SOME);
    fixture.client.framing.framing = FRAMING_LENGTH;
    fixture_audit(&fixture, AUDIT_ON);
    assert_false(upload_chosen_by_size(fixture.upload));
    fixture.client.framing.framing = FRAMING_CHUNKED;
    assert_true(upload_chosen_by_size(fixture.upload));
    fixture_policy(&fixture, state, "mode: audit\ndefault: {store: test}\n");
    assert_false(upload_chosen_by_size(fixture.upload));
    fixture_audit(&fixture, AUDIT_OFF);
    fixture_policy(&fixture, state, SOME);
    assert_false(upload_chosen_by_size(fixture.upload));
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(audit_mode_decides_and_refuses_nothing),
        FIXTURE_TEST(kept_violations_count_unless_the_rule_is_in_audit_mode),
        FIXTURE_TEST(in_audit_mode_the_decision_does_not_wait),
        FIXTURE_TEST(a_certain_size_sets_no_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
