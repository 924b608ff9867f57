/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* The steps that need no client; scenarios have the others. */

static void begin(struct fixture *fixture, void **state)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_image(fixture, "queued", "raw", "bare");
}

/* --- invite ---------------------------------------------------------------------------- */

/* The scripted client fails the test if it is invited. */
static void a_request_without_a_body_is_not_invited(void **state)
{
    static const struct framing_facts framings[] = {{FRAMING_NONE, 0, false},
                                                    {FRAMING_LENGTH, 0, false}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        fixture.client.framing = framings[i];
        fixture_audit(&fixture, AUDIT_ON);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run_named(&fixture, "invite"), STEP_NEXT);
        fixture_end(&fixture);
    }
}

/* --- settle ---------------------------------------------------------------------------- */

/* The size, 3, has become known: the policy is asked again. */
static void a_size_that_is_known_late_is_checked(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 2B}, store: file}\n"
                                 "default: {store: test}\n";
    for (uint64_t max_size = 2; max_size <= 3; max_size++) {
        struct fixture fixture;
        begin(&fixture, state);
        fixture_policy(&fixture, state, policy);
        fixture_body(&fixture, "abc", NULL);
        fixture.settings.upload.max_size = max_size;
        fixture.size->comes_later = true;
        assert_outcome(&fixture, fixture_run_named(&fixture, "settle"),
                       max_size < 3 ? REFUSAL_TOO_LARGE : REFUSAL_NONE,
                       max_size < 3 ? "it has 3 bytes, and the limit is 2" : NULL);
        assert_true(fixture.size->known);
        assert_int_equal(fixture.size->bytes, 3);
        assert_string_equal(fixture_record(&fixture)->rule, "large");
        assert_string_equal(fixture_record(&fixture)->store, "file");
        fixture_end(&fixture);
    }
}

/* A form that was not declared: the length was known, and it was not the image's. */
static void the_size_without_the_form_is_checked_again(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 4B}, store: file}\n"
                                 "default: {store: test}\n";
    struct fixture fixture;
    begin(&fixture, state);
    fixture_policy(&fixture, state, policy);
    fixture.size->known = true;
    fixture.size->bytes = 5;
    assert_outcome(&fixture, fixture_run_named(&fixture, "decide"), REFUSAL_NONE, NULL);
    assert_string_equal(fixture_record(&fixture)->store, "file");
    fixture_body(&fixture, "abc", NULL);
    assert_outcome(&fixture, fixture_run_named(&fixture, "settle"), REFUSAL_NONE, NULL);
    assert_int_equal(fixture.size->bytes, 3);
    assert_string_equal(fixture_record(&fixture)->rule, "default");
    assert_string_equal(fixture_record(&fixture)->store, "test");
    fixture_end(&fixture);
}

/* From then on nothing is refused. */
static void the_size_may_choose_an_audit_rule(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 1B}, store: file,"
                                 "     max_size: 2B, mode: audit}\n"
                                 "default: {store: test}\n";
    const char *detail;
    struct fixture fixture;
    begin(&fixture, state);
    fixture_policy(&fixture, state, policy);
    fixture_body(&fixture, "abc", NULL);
    fixture.size->comes_later = true;
    assert_outcome(&fixture, fixture_run_named(&fixture, "settle"), REFUSAL_NONE, NULL);
    assert_true(audit_only(fixture.x));
    assert_string_equal(fixture_record(&fixture)->rule, "large");
    assert_null(fixture_record(&fixture)->store);
    assert_true(fixture_record(&fixture)->audit_reasons == refusal_bit(REFUSAL_TOO_LARGE));
    assert_int_equal(body_refusal(fixture.upload->body, &detail), REFUSAL_NONE);
    fixture_end(&fixture);
}

static void in_audit_mode_the_decision_is_final(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture_audit(&fixture, AUDIT_ON);
    fixture_body(&fixture, "abc", NULL);
    assert_outcome(&fixture, fixture_run_named(&fixture, "settle"), REFUSAL_NONE,
                   NULL); /* without a policy */
    assert_null(fixture_record(&fixture)->rule);
    fixture_end(&fixture);
}

/* --- answer ---------------------------------------------------------------------------- */

/* The SHA-512 of "abc" (FIPS 180-4). */
static const char HEX[] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

static void the_client_gets_glances_answer(void **state)
{
    static const struct {
        unsigned status;
        const char *verified; /* as the steps before left it */
        enum record_verdict verdict;
        const char *told; /* NULL: nothing is said of that */
    } rows[] = {
        {204, "sha512", VERDICT_STORED, "sha512"},
        {204, "", VERDICT_STORED, "no"},
        {413, "", VERDICT_REJECTED, NULL},
        {500, "", VERDICT_REJECTED, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        fixture_sent(&fixture, "abc");
        fixture_answer(&fixture)->status = rows[i].status;
        const struct request_record *record = fixture_record(&fixture);
        fixture_text(fixture_record(&fixture)->verified, rows[i].verified);
        assert_int_equal(fixture_run_named(&fixture, "answer"), STEP_END);
        assert_int_equal(fixture.client.answer.status, rows[i].status);
        assert_null(fixture_record(&fixture)); /* it was closed before the answer */
        assert_int_equal(record->verdict, rows[i].verdict);
        assert_string_equal(record->verified, rows[i].told ? rows[i].told : "");
        assert_int_equal(record->sha512 != NULL, rows[i].told != NULL);
        if (rows[i].told)
            assert_string_equal(record->sha512, HEX);
        assert_field(&fixture.client.answer.headers, "X-Intake-Verified", rows[i].told);
        assert_field(&fixture.client.answer.headers, "X-Openstack-Request-Id", "req-1");
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_size_that_is_known_late_is_checked),
        FIXTURE_TEST(a_request_without_a_body_is_not_invited),
        FIXTURE_TEST(the_size_without_the_form_is_checked_again),
        FIXTURE_TEST(the_size_may_choose_an_audit_rule),
        FIXTURE_TEST(in_audit_mode_the_decision_is_final),
        FIXTURE_TEST(the_client_gets_glances_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
