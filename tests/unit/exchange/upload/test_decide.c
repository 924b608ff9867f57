/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* Rules are chosen by the image's name; `large` by the size alone. */
static const char POLICY[] =
    "rules:\n"
    "  - {name: denied, when: {name: denied}, deny: not here}\n"
    "  - {name: large, when: {larger_than: 1KiB}, store: file, max_size: 4KiB}\n"
    "  - {name: choice, when: {name: choice}, store: file, mode: default,\n"
    "     allow: [file, test, gold]}\n"
    "default: {store: test, mode: force, max_virtual_size: 8KiB}\n";

static const char GLANCE_HAS[] = "{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}]}";
static const char GLANCE_HAS_LESS[] = "{\"stores\": [{\"id\": \"file\"}]}";

/* An upload to the image `name`, where Glance has `stores` (NULL: it has not told). */
static void begin(struct fixture *fixture, void **state, const char *name, const char *stores)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_policy(fixture, state, POLICY);
    fixture->image->name = strdup(name);
    fixture->size->known = true;
    fixture->size->bytes = 10;
    if (stores)
        assert_true(stores_learn(fixture->parts.stores, stores, strlen(stores)));
}

static void assert_decided(const struct fixture *fixture, const char *rule, const char *store)
{
    const struct request_record *upload = fixture_record(fixture);
    if ((rule == NULL) != (upload->rule == NULL) || (rule && strcmp(upload->rule, rule) != 0))
        fail_msg("by %s", upload->rule ? upload->rule : "no rule");
    if ((store == NULL) != (upload->store == NULL) || (store && strcmp(upload->store, store) != 0))
        fail_msg("to %s", upload->store ? upload->store : "no store");
}

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

/* Of the setting and the rule. */
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

/* --- audit mode ---------------------------------------------------------------------- */

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
        FIXTURE_TEST(the_policy_is_obeyed),
        FIXTURE_TEST(the_lower_limit_counts),
        FIXTURE_TEST(uploads_that_may_be_empty),
        FIXTURE_TEST(the_decision_waits_for_a_size_that_could_change_it),
        FIXTURE_TEST(the_decision_is_made_when_the_size_is_known),
        FIXTURE_TEST(the_limits_follow_the_decision),
        FIXTURE_TEST(a_missing_store_is_the_mistake_of_whoever_named_it),
        FIXTURE_TEST(a_stage_has_no_store),
        FIXTURE_TEST(audit_mode_decides_and_refuses_nothing),
        FIXTURE_TEST(kept_violations_count_unless_the_rule_is_in_audit_mode),
        FIXTURE_TEST(in_audit_mode_the_decision_does_not_wait),
        FIXTURE_TEST(a_certain_size_sets_no_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
