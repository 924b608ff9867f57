/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an upload whose length is not known, when the policy has decided. */
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/upload/decided_upload.h"

static const char BY_STORE[] =
    "rules:\n"
    "  - {name: denied, when: {name: denied}, deny: not here}\n"
    "  - {name: large, when: {larger_than: 1KiB, name: by-size}, store: gold}\n"
    "  - {name: by-name, when: {name: [s, f, g, none]}, store: none,\n"
    "     allow: [none, spooled, streamed, gold]}\n"
    "default: {store: streamed}\n"
    "stores: {spooled: {unknown_length: spool}, streamed: {unknown_length: stream},\n"
    "         gold: {unknown_length: reject}}\n";

static void begin_without_length(struct fixture *fixture, void **state, const char *name,
                                 const char *requested)
{
    begin(fixture, state, name, NULL);
    fixture_policy(fixture, state, BY_STORE);
    fixture_request_store(fixture, requested);
    fixture->client.framing.framing = FRAMING_CHUNKED;
    *fixture->size = (struct upload_size){0};
    fixture->head->no_length = true;
}

static void an_unknown_length_is_treated_as_the_store_says(void **state)
{
    static const struct {
        const char *name, *requested;
        enum unknown_length everywhere;
        bool spooled;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"s", "spooled", UNKNOWN_LENGTH_REJECT, true, REFUSAL_NONE, NULL},
        {"f", "streamed", UNKNOWN_LENGTH_REJECT, false, REFUSAL_NONE, NULL},
        {"f", "streamed", UNKNOWN_LENGTH_SPOOL, false, REFUSAL_NONE, NULL},
        {"g", "gold", UNKNOWN_LENGTH_STREAM, false, REFUSAL_LENGTH_REQUIRED,
         "the store gold takes no upload without one"},
        {"none", NULL, UNKNOWN_LENGTH_SPOOL, true, REFUSAL_NONE, NULL},
        {"none", NULL, UNKNOWN_LENGTH_STREAM, false, REFUSAL_NONE, NULL},
        {"none", NULL, UNKNOWN_LENGTH_REJECT, false, REFUSAL_LENGTH_REQUIRED, ""},
        /* the store for an unknown size counts */
        {"by-size", NULL, UNKNOWN_LENGTH_REJECT, false, REFUSAL_NONE, NULL},
        {"denied", NULL, UNKNOWN_LENGTH_REJECT, false, REFUSAL_DENIED_BY_POLICY, "not here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin_without_length(&fixture, state, rows[i].name, rows[i].requested);
        fixture.settings.upload.unknown_length = rows[i].everywhere;
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal,
                       rows[i].detail);
        assert_int_equal(upload_is_spooled_first(fixture.upload), rows[i].spooled);
        assert_int_equal(fixture.head->fixes, rows[i].spooled ? FIX_LENGTH : 0);
        fixture_end(&fixture);
    }
}

/* Data that is staged has no store yet. */
static void a_staged_upload_is_treated_by_the_setting(void **state)
{
    static const char *const fields[] = {NULL};
    struct fixture fixture;
    fixture_begin_route(&fixture, state, ROUTE_STAGE, fields);
    fixture_policy(&fixture, state, BY_STORE);
    fixture.head->no_length = true;
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    assert_true(upload_is_spooled_first(fixture.upload));
    fixture_end(&fixture);
}

/* What was spooled has its length, so it may go to a store that needs one. */
static void a_spooled_upload_has_a_length(void **state)
{
    struct fixture fixture;
    begin_without_length(&fixture, state, "by-size", NULL);
    fixture_policy(&fixture, state,
                   "rules: [{name: large, when: {larger_than: 1KiB}, store: gold}]\n"
                   "default: {store: test}\nstores: {gold: {unknown_length: reject}}\n");
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    assert_true(upload_is_spooled_first(fixture.upload));
    assert_true(upload_decision_waits(fixture.upload));
    fixture.size->known = true;
    fixture.size->bytes = 2000;
    assert_int_equal(fixture_run(&fixture, upload_decide), STEP_NEXT);
    assert_decided(&fixture, "large", "gold");
    fixture_end(&fixture);
}

static void a_full_spool_refuses_what_is_spooled(void **state)
{
    static const struct {
        const char *name, *requested;
        enum refusal refusal;
    } rows[] = {{"s", "spooled", REFUSAL_SPOOL_FULL}, {"f", "streamed", REFUSAL_NONE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin_without_length(&fixture, state, rows[i].name, rows[i].requested);
        fixture.settings.upload.spool_limit = 0;
        assert_outcome(&fixture, fixture_run(&fixture, upload_decide), rows[i].refusal, NULL);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_unknown_length_is_treated_as_the_store_says),
        FIXTURE_TEST(a_staged_upload_is_treated_by_the_setting),
        FIXTURE_TEST(a_spooled_upload_has_a_length),
        FIXTURE_TEST(a_full_spool_refuses_what_is_spooled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
