/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"
#include "exchange/upload/upload_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char FORM[] =
    "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"
    "abc\r\n--B--\r\n";
enum { SENT = sizeof FORM - 1 };

static const char POLICY[] = "rules:\n"
                             "  - {name: large, when: {larger_than: 4B}, store: file}\n"
                             "default: {store: test, checks: {format: warn}}\n";

/* An upload of `text`, by the rule for so many bytes. */
static void begin(struct fixture *fixture, void **state, const char *text, enum audit audit)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_image(fixture, "queued", "raw", "bare");
    fixture_policy(fixture, state, POLICY);
    fixture_audit(fixture, audit);
    fixture->size->known = true;
    fixture->size->bytes = fixture->upload->sent_length = strlen(text);
    assert_outcome(fixture, fixture_run(fixture, upload_decide), REFUSAL_NONE, NULL);
    fixture_body(fixture, text, NULL);
}

static void a_form_that_does_not_say_so_is_decided_by_its_file(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, FORM, AUDIT_OFF);
    assert_string_equal(fixture_record(&fixture)->rule, "large");
    assert_true(upload_is_to_be_unpacked(fixture.upload));
    assert_int_equal(upload_unpack(fixture.upload), STEP_NEXT);
    assert_false(upload_is_to_be_unpacked(fixture.upload));
    assert_true(fixture.size->known && !fixture.head->no_length);
    assert_int_equal(fixture.size->bytes, 3);
    assert_int_equal(upload_data_length(fixture.upload), SENT);
    assert_string_equal(fixture_record(&fixture)->rule, "default");
    assert_string_equal(fixture_record(&fixture)->store, "test");
    assert_int_equal(upload_checks(fixture.upload).format, CHECK_WARN);
    upload_forget_unpacked(fixture.upload);
    assert_true(fixture.size->known);
    assert_int_equal(fixture.size->bytes, SENT);
    fixture_end(&fixture);
}

static void other_data_is_decided_once(void **state)
{
    static const struct {
        const char *text;
        bool declared;
        enum audit audit;
    } rows[] = {
        {"abcdef", false, AUDIT_OFF},
        {FORM, true, AUDIT_OFF},
        {FORM, false, AUDIT_ON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].text, rows[i].audit);
        fixture.head->declared_form = rows[i].declared;
        assert_false(upload_is_to_be_unpacked(fixture.upload));
        assert_int_equal(upload_unpack(fixture.upload), STEP_NEXT);
        assert_int_equal(fixture.size->bytes, strlen(rows[i].text));
        assert_string_equal(fixture_record(&fixture)->rule, "large");
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_form_that_does_not_say_so_is_decided_by_its_file),
        FIXTURE_TEST(other_data_is_decided_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
