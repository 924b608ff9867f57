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
        FIXTURE_TEST(audit_mode_keeps_the_clients_fields),
        FIXTURE_TEST(audit_mode_notes_a_form),
        FIXTURE_TEST(fixes_made_before_audit_mode_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
