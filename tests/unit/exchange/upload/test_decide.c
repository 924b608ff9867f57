/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/upload/decided_upload.h"

/* --- the decision ---------------------------------------------------------------------- */

static void the_policy_is_obeyed(void **state)
{
    static const struct {
        const char *name, *requested;
        uint64_t size;
        const char *rule, *store; /* `store` NULL: it is refused */
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"other", NULL, 10, "default", "test", REFUSAL_NONE, NULL},
        {"other", "file", 10, "default", "test", REFUSAL_NONE, NULL},
        {"other", NULL, 1024, "default", "test", REFUSAL_NONE, NULL},
        {"other", NULL, 1025, "large", "file", REFUSAL_NONE, NULL},
        {"choice", "test", 10, "choice", "test", REFUSAL_NONE, NULL},
        {"denied", NULL, 10, "denied", NULL, REFUSAL_DENIED_BY_POLICY, "not here"},
        {"choice", "rbd", 10, "choice", NULL, REFUSAL_STORE_NOT_ALLOWED,
         "it asks for rbd, and the policy allows file, test, gold"},
        {"other", NULL, 4097, "large", NULL, REFUSAL_TOO_LARGE,
         "it has 4097 bytes, and the limit is 4096"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, GLANCE_HAS);
        fixture.size->bytes = rows[i].size;
        fixture_request_store(&fixture, rows[i].requested);
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal,
                       rows[i].detail);
        assert_string_equal(fixture_record(&fixture)->rule, rows[i].rule);
        if (rows[i].store)
            assert_decided(&fixture, rows[i].rule, rows[i].store);
        fixture_end(&fixture);
    }
}

/* The limits of the setting and the rule. */
static void the_lower_limit_counts(void **state)
{
    static const struct {
        uint64_t size, everywhere;
        const char *detail; /* NULL: it passes */
    } rows[] = {
        {1000, 1000, NULL},
        {1000, 999, "it has 1000 bytes, and the limit is 999"},
        {3000, 2000, "it has 3000 bytes, and the limit is 2000"},
        {5000, 4095, "it has 5000 bytes, and the limit is 4095"},
        {5000, 4097, "it has 5000 bytes, and the limit is 4096"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "other", GLANCE_HAS);
        fixture.settings.upload.max_size = rows[i].everywhere;
        fixture.size->bytes = rows[i].size;
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide),
                       rows[i].detail ? REFUSAL_TOO_LARGE : REFUSAL_NONE, rows[i].detail);
        fixture_end(&fixture);
    }
}

/* --- uploads without data -------------------------------------------------------------- */

static void uploads_that_may_be_empty(void **state)
{
    static const char text[] =
        "rules:\n"
        "  - {name: allowed, when: {name: allowed}, store: test, checks: {empty: allow}}\n"
        "  - {name: watched, when: {name: watched}, store: test, mode: audit}\n"
        "default: {store: test}\n";
    static const struct {
        const char *name;
        bool of_volumes;
        enum refusal refusal, noted;
    } rows[] = {
        {"other", false, REFUSAL_EMPTY_BODY, REFUSAL_NONE},
        {"other", true, REFUSAL_NONE, REFUSAL_NONE},
        {"allowed", false, REFUSAL_NONE, REFUSAL_NONE},
        {"watched", false, REFUSAL_NONE, REFUSAL_EMPTY_BODY},
        {"watched", true, REFUSAL_NONE, REFUSAL_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, GLANCE_HAS);
        fixture_policy(&fixture, state, text);
        audit_begin(fixture.x);
        fixture.size->bytes = 0;
        fixture.head->empty = true;
        fixture.image->of_volumes = rows[i].of_volumes;
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal, NULL);
        assert_int_equal(upload_may_be_empty(fixture.check),
                         rows[i].refusal == REFUSAL_NONE && rows[i].noted == REFUSAL_NONE);
        assert_true(fixture_record(&fixture)->audit_reasons ==
                    (rows[i].noted ? refusal_bit(rows[i].noted) : 0));
        fixture_end(&fixture);
    }
}

/* --- later --------------------------------------------------------------------------- */

static void the_decision_waits_for_a_size_that_could_change_it(void **state)
{
    static const struct {
        const char *name;
        bool comes;
        const char *rule; /* NULL: the decision waits */
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"other", true, NULL, REFUSAL_NONE, NULL},
        {"choice", true, NULL, REFUSAL_NONE, NULL},
        {"other", false, "default", REFUSAL_NONE, NULL},
        {"denied", true, "denied", REFUSAL_DENIED_BY_POLICY, "not here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, GLANCE_HAS);
        fixture.size->known = false;
        fixture.size->comes_later = rows[i].comes;
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal,
                       rows[i].detail);
        assert_int_equal(upload_decision_waits(fixture.upload), rows[i].rule == NULL);
        if (!rows[i].rule)
            assert_decided(&fixture, NULL, NULL);
        else
            assert_string_equal(fixture_record(&fixture)->rule, rows[i].rule);
        fixture_end(&fixture);
    }
}

static void the_decision_is_made_when_the_size_is_known(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "other", GLANCE_HAS);
    fixture.size->known = false;
    fixture.size->comes_later = true;
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    fixture.size->known = true;
    fixture.size->bytes = 2000;
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    assert_false(upload_decision_waits(fixture.upload));
    assert_decided(&fixture, "large", "file");
    fixture_end(&fixture);
}

/* --- limits of the body ---------------------------------------------------------------- */

static void the_limits_follow_the_decision(void **state)
{
    static const uint64_t none = UINT64_MAX, everywhere = 100000;
    const struct {
        bool known, comes;
        uint64_t size;
        struct body_limits limits;
    } rows[] = {
        {true, false, 10, {everywhere, none, 8192}},
        {true, false, 2000, {4096, none, none}},
        {false, false, 0, {everywhere, 1024, 8192}},
        {false, true, 0, {everywhere, none, none}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "other", GLANCE_HAS);
        fixture.settings.upload.max_size = everywhere;
        fixture.size->known = rows[i].known;
        fixture.size->comes_later = rows[i].comes;
        fixture.size->bytes = rows[i].size;
        assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
        const struct body_limits limits = upload_limits(fixture.upload);
        assert_int_equal(limits.max_size, rows[i].limits.max_size);
        assert_int_equal(limits.size_ceiling, rows[i].limits.size_ceiling);
        assert_int_equal(limits.max_virtual_size, rows[i].limits.max_virtual_size);
        fixture_end(&fixture);
    }
}

/* --- stores that Glance does not have -------------------------------------------------- */

static void a_missing_store_is_the_mistake_of_whoever_named_it(void **state)
{
    static const struct {
        const char *name, *requested, *stores;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"other", NULL, NULL, REFUSAL_NONE, NULL}, /* the stores are not known */
        {"choice", "gold", NULL, REFUSAL_NONE, NULL},
        {"other", NULL, GLANCE_HAS_LESS, REFUSAL_STORE_UNKNOWN,
         "it names test, and Glance has file"},
        {"other", "file", GLANCE_HAS_LESS, REFUSAL_STORE_UNKNOWN,
         "it names test, and Glance has file"},
        {"choice", NULL, GLANCE_HAS_LESS, REFUSAL_NONE, NULL},
        {"choice", "gold", GLANCE_HAS, REFUSAL_STORE_NOT_ALLOWED,
         "it asks for gold, and Glance has file, test"},
        {"denied", NULL, GLANCE_HAS_LESS, REFUSAL_DENIED_BY_POLICY, "not here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].stores);
        fixture_request_store(&fixture, rows[i].requested);
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

static void a_stage_has_no_store(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "other", GLANCE_HAS_LESS);
    fixture_record(&fixture)->kind = RECORD_STAGE;
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    assert_decided(&fixture, "default", NULL);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_policy_is_obeyed),
        FIXTURE_TEST(the_lower_limit_counts),
        FIXTURE_TEST(uploads_that_may_be_empty),
        FIXTURE_TEST(the_decision_waits_for_a_size_that_could_change_it),
        FIXTURE_TEST(the_decision_is_made_when_the_size_is_known),
        FIXTURE_TEST(the_limits_follow_the_decision),
        FIXTURE_TEST(a_missing_store_is_the_mistake_of_whoever_named_it),
        FIXTURE_TEST(a_stage_has_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
