/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/ingest/buffered_update.h"

/* --- too long ---------------------------------------------------------------------------- */

static void a_content_length_beyond_the_limit_is_refused(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "", INGEST_BODY_MAX + UINT64_C(1));
    assert_outcome(&fixture, fixture_run(&fixture, buffer_body), REFUSAL_JSON_TOO_LONG,
                   "it may have 256 KiB");
    assert_false(fixture.client.invited);
    assert_int_equal(fixture_record(&fixture)->kind, RECORD_LOCATIONS);
    fixture_end(&fixture);
    begin(&fixture, state, "", INGEST_BODY_MAX);
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    fixture_end(&fixture);
}

static void a_body_is_refused_when_it_grows_too_long(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct fixture fixture;
        char *text = spaces(INGEST_BODY_MAX + over);
        begin(&fixture, state, text, UINT64_MAX);
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        fixture.client.then = over ? STREAM_WAIT : STREAM_END;
        assert_outcome(&fixture, go_on_known(&fixture), over ? REFUSAL_JSON_TOO_LONG : REFUSAL_NONE,
                       over ? "it may have 256 KiB" : NULL);
        fixture_end(&fixture);
        free(text);
    }
}

/* No byte of a body that goes on unchecked is lost. */
static void in_audit_mode_a_long_body_goes_on(void **state)
{
    for (size_t announced = 0; announced <= 1; announced++) {
        struct fixture fixture;
        size_t count = 2 * INGEST_BODY_MAX;
        char *text = spaces(count);
        begin(&fixture, state, text, announced ? count : UINT64_MAX);
        fixture_policy(&fixture, state, "mode: audit\ndefault: {store: test}\n");
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_outcome(&fixture, announced ? go_on(&fixture) : go_on_known(&fixture), REFUSAL_NONE,
                       NULL);
        assert_true(fixture.json->unchecked);
        assert_int_equal(fixture_record(&fixture)->audit_reasons,
                         refusal_bit(REFUSAL_JSON_TOO_LONG));
        assert_int_equal(fixture_json(&fixture)->len + strlen(fixture.client.sends), count);
        fixture_end(&fixture);
        free(text);
    }
}

static void one_audit_rule_is_not_enough(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "", INGEST_BODY_MAX + UINT64_C(1));
    fixture_policy(&fixture, state,
                   "rules: [{name: all, store: test, mode: audit}]\ndefault: {store: test}\n");
    assert_outcome(&fixture, fixture_run(&fixture, buffer_body), REFUSAL_JSON_TOO_LONG,
                   "it may have 256 KiB");
    fixture_end(&fixture);
}

/* --- the limits of a worker ---------------------------------------------------------------- */

/* Glance must know the client before more is buffered. */
static void a_newcomer_may_buffer_16_kib(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct fixture fixture;
        char *text = spaces(NEWCOMER_MAX + over);
        begin(&fixture, state, text, UINT64_MAX);
        fixture.client.then = STREAM_WAIT;
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&fixture), STEP_WAIT);
        assert_int_equal(fixture_json(&fixture)->len, NEWCOMER_MAX);
        assert_true(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        assert_int_equal(go_on(&fixture), STEP_WAIT); /* no more until Glance has answered */
        assert_int_equal(fixture_json(&fixture)->len, NEWCOMER_MAX);
        fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, IMAGE);
        fixture.client.then = STREAM_END;
        assert_int_equal(go_on(&fixture), STEP_NEXT);
        assert_int_equal(fixture_json(&fixture)->len, NEWCOMER_MAX + over);
        assert_int_equal(fixture.parts.holders.newcomers, 0);
        assert_int_equal(fixture.parts.holders.known, NEWCOMER_MAX + over);
        assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        fixture_end(&fixture);
        assert_int_equal(fixture.parts.holders.known, 0);
        assert_null(fixture.parts.holders.first);
        free(text);
    }
}

/* The client gets Glance's answer. */
static void newcomers_get_glances_own_answer(void **state)
{
    static const unsigned statuses[] = {401, 403, 404, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct fixture fixture;
        char *text = spaces(2 * NEWCOMER_MAX);
        begin(&fixture, state, text, UINT64_MAX);
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&fixture), STEP_WAIT);
        fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), statuses[i], "Glance's own");
        assert_int_equal(go_on(&fixture), STEP_END);
        assert_int_equal(fixture.client.answer.status, statuses[i]);
        assert_string_equal(buffer_text(&fixture.client.answer.body), "Glance's own");
        fixture_end(&fixture);
        free(text);
    }
}

static void without_glances_answer_it_is_refused(void **state)
{
    struct fixture fixture;
    char *text = spaces(2 * NEWCOMER_MAX);
    begin(&fixture, state, text, UINT64_MAX);
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&fixture), STEP_WAIT);
    fixture_broke(fixture_question(&fixture, QUESTION_IMAGE), TRANSFER_UNREACHABLE);
    assert_outcome(&fixture, go_on(&fixture), REFUSAL_GLANCE_UNREACHABLE, NULL);
    fixture_end(&fixture);
    free(text);
}

/* When newcomers have filled their space, a client that Glance knows is still served. */
static void newcomers_fill_only_their_own_space(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, TEXT, strlen(TEXT));
    fixture.parts.holders.newcomers = NEWCOMERS_MAX;
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_int_equal(go_on_known(&fixture), STEP_NEXT);
    assert_string_equal(buffer_text(fixture_json(&fixture)), TEXT);
    fixture_end(&fixture);
    assert_int_equal(fixture.parts.holders.newcomers, NEWCOMERS_MAX);
}

static void a_worker_buffers_no_more_than_its_limit(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct fixture fixture;
        begin(&fixture, state, TEXT, strlen(TEXT));
        fixture.parts.holders.newcomers = NEWCOMERS_MAX;
        fixture.parts.holders.known = KNOWN_MAX - strlen(TEXT) - 1 + over; /* by others */
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_outcome(&fixture, go_on_known(&fixture),
                       over ? REFUSAL_TOO_MANY_CONNECTIONS : REFUSAL_NONE,
                       over ? "too many of them are sending JSON now" : NULL);
        fixture_end(&fixture);
        assert_int_equal(fixture.parts.holders.known, KNOWN_MAX - strlen(TEXT) - 1 + over);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_content_length_beyond_the_limit_is_refused),
        FIXTURE_TEST(a_body_is_refused_when_it_grows_too_long),
        FIXTURE_TEST(in_audit_mode_a_long_body_goes_on),
        FIXTURE_TEST(one_audit_rule_is_not_enough),
        FIXTURE_TEST(a_newcomer_may_buffer_16_kib),
        FIXTURE_TEST(newcomers_get_glances_own_answer),
        FIXTURE_TEST(without_glances_answer_it_is_refused),
        FIXTURE_TEST(newcomers_fill_only_their_own_space),
        FIXTURE_TEST(a_worker_buffers_no_more_than_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
