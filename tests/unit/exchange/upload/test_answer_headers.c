/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* The SHA-512 of "abc" (FIPS 180-4), base64. */
static const char DIGEST[] =
    "sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/"
    "uu9RU1EI2Q86A4qmslPpUyknw==:";
static void before_the_decision_there_are_no_intake_fields(void **state)
{
    static const char *const fields[] = {NULL};
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    assert_true(headers_of_answer(fixture.x, &fixture.out));
    assert_int_equal(fixture.out.count, 0);
    fixture_end(&fixture);
}

static void an_answer_without_a_record_has_no_intake_fields(void **state)
{
    (void)state;
    struct exchange x = {0};
    struct headers out = {0};
    assert_true(headers_of_answer(&x, &out));
    assert_int_equal(out.count, 0);
}

/* Glance must have taken the whole body. */
static void only_a_stored_upload_has_a_digest(void **state)
{
    static const char *const fields[] = {NULL};
    static const struct {
        unsigned status;
        enum refusal refusal;
        bool vouched;
    } rows[] = {
        {204, REFUSAL_NONE, true},         {200, REFUSAL_NONE, true},
        {413, REFUSAL_NONE, false},        {204, REFUSAL_DAMAGED_BODY, false},
        {0, REFUSAL_GLANCE_FAILED, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture_sent(&fixture, "abc");
        fixture_answer(&fixture)->status = rows[i].status;
        fixture_refusal(&fixture)->reason = rows[i].refusal;
        fixture_record(&fixture)->store = strdup("test");
        fixture_record(&fixture)->rule = strdup("windows-images");
        fixture_record(&fixture)->fixes = FIX_STORE | FIX_LENGTH;
        assert_true(headers_of_answer(fixture.x, &fixture.out));
        assert_field(&fixture.out, "X-Intake-Store", "test");
        assert_field(&fixture.out, "X-Intake-Rule", "windows-images");
        assert_field(&fixture.out, "X-Intake-Fixed", "store, length");
        assert_field(&fixture.out, "X-Intake-Bytes", "3");
        assert_field(&fixture.out, "Repr-Digest", rows[i].vouched ? DIGEST : NULL);
        assert_field(&fixture.out, "X-Intake-Verified", rows[i].vouched ? "no" : NULL);
        fixture_end(&fixture);
    }
}

/* What was compared with Glance, and the state of the image if it is known. */
static void the_verification_is_told(void **state)
{
    static const char *const fields[] = {NULL};
    static const struct {
        enum verify_mode verify;
        unsigned status;
        const char *verified, *image_after;     /* as the steps left them */
        const char *digest, *field, *state_now; /* as the answer has them */
    } rows[] = {
        {VERIFY_DIGEST, 204, "sha512", "", DIGEST, "sha512", NULL},
        {VERIFY_DIGEST, 204, "", "", DIGEST, "no", NULL},
        {VERIFY_SIZE, 204, "size", "", NULL, "size", NULL},
        {VERIFY_OFF, 204, "", "", NULL, "no", NULL},
        {VERIFY_DIGEST, 500, "", "saving", NULL, NULL, "saving"},
        {VERIFY_DIGEST, 500, "", "", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture.settings.upload.verify = rows[i].verify;
        fixture_sent(&fixture, "abc");
        fixture_answer(&fixture)->status = rows[i].status;
        fixture_text(fixture_record(&fixture)->verified, rows[i].verified);
        fixture_text(fixture_record(&fixture)->image_after, rows[i].image_after);
        assert_true(headers_of_answer(fixture.x, &fixture.out));
        assert_field(&fixture.out, "Repr-Digest", rows[i].digest);
        assert_field(&fixture.out, "X-Intake-Verified", rows[i].field);
        assert_field(&fixture.out, "X-Intake-Image-Status", rows[i].state_now);
        fixture_end(&fixture);
    }
}

static void a_warning_has_a_field(void **state)
{
    static const char *const fields[] = {NULL};
    static char stripped[8193];
    memset(stripped, '~', sizeof stripped - 1);
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    fixture_sent(&fixture, stripped);
    assert_true(headers_of_answer(fixture.x, &fixture.out));
    assert_field(&fixture.out, "X-Intake-Warning",
                 "damaged_body: it has lost bytes, as curl -d strips NUL, line feed and carriage "
                 "return from a file");
    fixture_end(&fixture);
}

static void audit_mode_has_a_field(void **state)
{
    static const char *const fields[] = {NULL};
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    fixture_record(&fixture)->audit_fixes = FIX_STORE | FIX_LENGTH;
    fixture_record(&fixture)->audit_reasons = refusal_bit(REFUSAL_DAMAGED_BODY);
    assert_true(headers_of_answer(fixture.x, &fixture.out));
    assert_field(&fixture.out, "X-Intake-Audit", "store, length, damaged_body");
    assert_int_equal(fixture.out.count, 1);
    fixture_end(&fixture);
}

/* If a browser's page may read the answer, it may read our fields, too. */
static void intake_fields_are_exposed_to_browsers(void **state)
{
    static const char *const no_fields[] = {NULL};
    static const char *const other[] = {"Access-Control-Allow-Methods", "GET"};
    static const char *const origin[] = {"Access-Control-Allow-Origin", "http://horizon.example"};
    static const struct {
        const char *const *field; /* of Glance's answer */
        bool asked;               /* for a refusal: the answer to the question for CORS has it */
        const char *exposed;
    } rows[] = {
        {other, false, NULL},
        {origin, false,
         "X-Intake-Rule, X-Intake-Bytes, X-Intake-Warning, Repr-Digest, X-Intake-Verified"},
        {origin, true,
         "X-Intake-Rule, X-Intake-Bytes, X-Intake-Warning, Repr-Digest, X-Intake-Verified"},
        {other, true, NULL},
    };
    static char stripped[8193];
    memset(stripped, '~', sizeof stripped - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, no_fields);
        fixture_sent(&fixture, stripped);
        fixture_answer(&fixture)->status = 204;
        fixture_record(&fixture)->rule = strdup("default");
        fixture_answered(fixture_question(&fixture, QUESTION_CORS), 200, "");
        assert_true(headers_add(rows[i].asked
                                    ? &fixture_question(&fixture, QUESTION_CORS)->answer.headers
                                    : &fixture.out,
                                rows[i].field[0], rows[i].field[1]));
        assert_true(headers_of_answer(fixture.x, &fixture.out));
        assert_field(&fixture.out, "Access-Control-Expose-Headers", rows[i].exposed);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(before_the_decision_there_are_no_intake_fields),
        FIXTURE_TEST(an_answer_without_a_record_has_no_intake_fields),
        FIXTURE_TEST(only_a_stored_upload_has_a_digest),
        FIXTURE_TEST(the_verification_is_told),
        FIXTURE_TEST(a_warning_has_a_field),
        FIXTURE_TEST(audit_mode_has_a_field),
        FIXTURE_TEST(intake_fields_are_exposed_to_browsers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
