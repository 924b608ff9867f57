/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* --- questions to Glance ------------------------------------------------------------------ */

static void questions_have_the_callers_fields_about_the_image(void **state)
{
    static const char *const fields[] = {"Host",
                                         "images:9292",
                                         "X-Auth-Token",
                                         "secret",
                                         "Accept",
                                         "application/json",
                                         "Content-Type",
                                         "application/octet-stream",
                                         "content_type",
                                         "text/plain",
                                         "X-Image-Meta-Store",
                                         "file",
                                         "Range",
                                         "bytes=0-1",
                                         "If-None-Match",
                                         "*",
                                         "Accept-Encoding",
                                         "gzip",
                                         "Content-Encoding",
                                         "gzip",
                                         "Content-MD5",
                                         "x",
                                         "Repr-Digest",
                                         "x",
                                         "X-Openstack-Image-Size",
                                         "5",
                                         "Expect",
                                         "100-continue",
                                         NULL};
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    assert_true(image_check_begin(fixture.x, fixture.check));
    const struct headers *asked = &fixture.check->fields;
    assert_field(asked, "X-Auth-Token", "secret");
    assert_field(asked, "Accept", "application/json");
    assert_field(asked, "X-Openstack-Request-Id", "req-1");
    assert_field(asked, "X-Forwarded-For", "192.0.2.7");
    for (size_t i = 6; fields[i]; i += 2)
        assert_field(asked, fields[i], NULL);
    fixture_end(&fixture);
}

/* The canonical path has a version; if both have one, Glance finds nothing. */
static void an_accept_with_a_version_is_not_forwarded(void **state)
{
    static const char *const fields[] = {"Accept", "application/vnd.openstack.images-v2", NULL};
    for (int by_accept = 0; by_accept < 2; by_accept++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture_body(&fixture, "abc", NULL);
        fixture.x->request.route.version_by_accept = by_accept;
        assert_true(image_check_begin(fixture.x, fixture.check));
        assert_field(&fixture.check->fields, "Accept", by_accept ? NULL : fields[1]);
        assert_true(upload_headers(fixture.upload, &fixture.out));
        assert_field(&fixture.out, "Accept", by_accept ? NULL : fields[1]);
        fixture_end(&fixture);
    }
}

/* --- headers for Glance ------------------------------------------------------------------- */

#define OCTETS "application/octet-stream"

static void glance_gets_one_store_and_one_type(void **state)
{
    static const struct {
        const char *fields[8];
        unsigned fixes;
    } rows[] = {
        {{NULL}, FIX_STORE | FIX_CONTENT_TYPE},
        {{"Content-Type", OCTETS, NULL}, FIX_STORE},
        {{"X-Image-Meta-Store", "test", NULL}, FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "test", "Content-Type", OCTETS, NULL}, 0},
        {{"x_image_meta_store", "test", "content-type", OCTETS, NULL}, 0},
        {{"X-Image-Meta-Store", "file", "Content-Type", OCTETS, NULL}, FIX_STORE},
        {{"X-Image-Meta-Store", "test", "X_Image_Meta_Store", "file", "Content-Type", OCTETS, NULL},
         FIX_STORE},
        {{"X-Image-Meta-Store", "test", "Content-Type", "text/plain", NULL}, FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "test", "Content-Type", OCTETS, "Content-Type", "text/plain", NULL},
         FIX_CONTENT_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, rows[i].fields);
        fixture_body(&fixture, "abc", NULL);
        assert_true(upload_headers(fixture.upload, &fixture.out));
        assert_field(&fixture.out, "X-Image-Meta-Store", "test");
        assert_field(&fixture.out, "Content-Type", OCTETS);
        if (upload_fixes(fixture.upload) != rows[i].fixes)
            fail_msg("row %zu: %x", i, upload_fixes(fixture.upload));
        fixture_end(&fixture);
    }
}

static void staged_data_has_no_store(void **state)
{
    static const char *const fields[] = {"X-Image-Meta-Store", "file", "Content-Type", OCTETS,
                                         NULL};
    struct fixture fixture;
    fixture_begin_route(&fixture, state, ROUTE_STAGE, fields);
    fixture_body(&fixture, "abc", NULL);
    assert_true(upload_headers(fixture.upload, &fixture.out));
    assert_field(&fixture.out, "X-Image-Meta-Store", NULL);
    assert_int_equal(upload_fixes(fixture.upload), 0);
    fixture_end(&fixture);
}

/* It is a fix only if Glance gets a length that the client did not send. */
static void a_length_that_was_found_out_is_a_fix(void **state)
{
    static const char *const fields[] = {"X-Image-Meta-Store", "test", "Content-Type", OCTETS,
                                         NULL};
    static const struct {
        enum framing framing;
        bool size_known;
        unsigned fixes;
    } rows[] = {
        {FRAMING_LENGTH, true, 0},
        {FRAMING_CHUNKED, false, 0},
        {FRAMING_CHUNKED, true, FIX_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture_body(&fixture, "abc", OCTETS);
        fixture.client.framing.framing = rows[i].framing;
        fixture.size->known = rows[i].size_known;
        assert_true(upload_headers(fixture.upload, &fixture.out));
        assert_int_equal(upload_fixes(fixture.upload), rows[i].fixes);
        fixture_end(&fixture);
    }
}

static void an_unwrapped_form_is_a_fix(void **state)
{
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
                               "abc\r\n--b--\r\n";
    static const char *const fields[] = {"X-Image-Meta-Store", "test", "Content-Type", type, NULL};
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    fixture_body(&fixture, form, type);
    assert_true(upload_headers(fixture.upload, &fixture.out));
    assert_field(&fixture.out, "Content-Type", OCTETS);
    assert_int_equal(upload_fixes(fixture.upload), FIX_CONTENT_TYPE | FIX_MULTIPART);
    fixture_end(&fixture);
}

/* In Glance's log they would look like digests of the image. */
static void digests_of_a_form_are_not_forwarded_without_it(void **state)
{
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
                               "abc\r\n--b--\r\n";
    static const char *const fields[] = {
        "Repr-Digest", "r", "Content-Digest", "c", "Digest", "d", "Content-MD5", "m", NULL};
    for (int in_form = 0; in_form < 2; in_form++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture_body(&fixture, in_form ? form : "abc", in_form ? type : NULL);
        assert_true(upload_headers(fixture.upload, &fixture.out));
        for (size_t i = 0; fields[i]; i += 2)
            assert_field(&fixture.out, fields[i], in_form ? NULL : fields[i + 1]);
        fixture_end(&fixture);
    }
}

/* What would be fixed without audit mode. */
static unsigned audit_fixes(const struct fixture *fixture)
{
    return upload_audit_fixes(fixture->upload) & ~upload_fixes(fixture->upload);
}

/* --- audit mode ------------------------------------------------------------------------- */

static void audit_mode_keeps_the_clients_fields(void **state)
{
    static const struct {
        const char *fields[8];
        unsigned head_fixes, audit_fixes;
    } rows[] = {
        {{"X-Image-Meta-Store", "test", "Content-Type", OCTETS, NULL}, 0, 0},
        {{NULL}, FIX_CONTENT_TYPE, FIX_STORE | FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "file", "Content-Type", "text/plain", NULL},
         FIX_CONTENT_TYPE,
         FIX_STORE | FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "file", "x_image_meta_store", "test", "Digest", "d", NULL},
         FIX_CONTENT_TYPE | FIX_LENGTH,
         FIX_STORE | FIX_CONTENT_TYPE | FIX_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, rows[i].fields);
        fixture_audit(&fixture, AUDIT_ON);
        fixture.head->fixes = rows[i].head_fixes;
        fixture_body(&fixture, "abc", NULL);
        assert_true(upload_headers(fixture.upload, &fixture.out));
        for (const char *const *field = rows[i].fields; *field; field += 2)
            assert_true(headers_count(&fixture.out, field[0]) ==
                        headers_count(&fixture.client.head.headers, field[0]));
        assert_field(&fixture.out, "Content-Type",
                     headers_get(&fixture.client.head.headers, "Content-Type"));
        assert_int_equal(upload_fixes(fixture.upload), 0);
        assert_int_equal(audit_fixes(&fixture), rows[i].audit_fixes);
        fixture_end(&fixture);
    }
}

/* Declared or not. If forms are rejected, the body notes the refusal instead (proxy/body/). */
static void audit_mode_notes_a_form(void **state)
{
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
                               "abc\r\n--b--\r\n";
    static const char *const fields[] = {
        "X-Image-Meta-Store", "test", "Content-Type", type, "Content-MD5", "m", NULL};
    for (int unwraps = 0; unwraps < 2; unwraps++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, fields);
        fixture.settings.upload.unwrap_multipart = unwraps;
        fixture_audit(&fixture, AUDIT_ON);
        fixture_body(&fixture, form, NULL);
        assert_true(upload_headers(fixture.upload, &fixture.out));
        assert_field(&fixture.out, "Content-Type", type);
        assert_field(&fixture.out, "Content-MD5", "m");
        assert_int_equal(audit_fixes(&fixture), unwraps ? FIX_MULTIPART : 0);
        fixture_end(&fixture);
    }
}

/* A form was unwrapped before the size chose an audit rule: its type is replaced, too. */
static void fixes_made_before_audit_mode_stay(void **state)
{
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
                               "abc\r\n--b--\r\n";
    static const char *const fields[] = {
        "X-Image-Meta-Store", "file", "Content-Type", type, "Content-MD5", "m", NULL};
    struct fixture fixture;
    fixture_begin(&fixture, state, fields);
    fixture_body(&fixture, form, type);
    fixture_audit(&fixture, AUDIT_ON);
    fixture.head->fixes = FIX_CONTENT_TYPE | FIX_MULTIPART;
    assert_true(upload_headers(fixture.upload, &fixture.out));
    assert_field(&fixture.out, "Content-Type", OCTETS);
    assert_field(&fixture.out, "X-Image-Meta-Store", "file");
    assert_field(&fixture.out, "Content-MD5", NULL);
    assert_int_equal(upload_fixes(fixture.upload), FIX_CONTENT_TYPE | FIX_MULTIPART);
    assert_int_equal(audit_fixes(&fixture), FIX_STORE);
    fixture_end(&fixture);
}

/* --- headers of the answer ---------------------------------------------------------------- */

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
        FIXTURE_TEST(questions_have_the_callers_fields_about_the_image),
        FIXTURE_TEST(an_accept_with_a_version_is_not_forwarded),
        FIXTURE_TEST(glance_gets_one_store_and_one_type),
        FIXTURE_TEST(staged_data_has_no_store),
        FIXTURE_TEST(a_length_that_was_found_out_is_a_fix),
        FIXTURE_TEST(an_unwrapped_form_is_a_fix),
        FIXTURE_TEST(digests_of_a_form_are_not_forwarded_without_it),
        FIXTURE_TEST(before_the_decision_there_are_no_intake_fields),
        FIXTURE_TEST(an_answer_without_a_record_has_no_intake_fields),
        FIXTURE_TEST(only_a_stored_upload_has_a_digest),
        FIXTURE_TEST(the_verification_is_told),
        FIXTURE_TEST(a_warning_has_a_field),
        FIXTURE_TEST(audit_mode_keeps_the_clients_fields),
        FIXTURE_TEST(audit_mode_notes_a_form),
        FIXTURE_TEST(fixes_made_before_audit_mode_stay),
        FIXTURE_TEST(audit_mode_has_a_field),
        FIXTURE_TEST(intake_fields_are_exposed_to_browsers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
