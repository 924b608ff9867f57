/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* tests/unit/request/test_admission.c has the table of all checks of a head. */

#define FORM "multipart/form-data; boundary=b"
#define SIZE "X-Openstack-Image-Size"

static const char ENFORCED[] = "default: {store: test}\n";
static const char WATCHED[] = "mode: audit\n"
                              "default: {store: test}\n";
static const char MIXED[] = "rules:\n"
                            "  - {name: watched, when: {disk_format: iso}, store: file,"
                            "     mode: audit}\n"
                            "default: {store: test}\n";

enum sending { FIVE, NOTHING, CHUNKED }; /* bytes, or an unknown number of them */

static const struct framing_facts FRAMINGS[] = {
    [FIVE] = {FRAMING_LENGTH, 5, false},
    [NOTHING] = {FRAMING_LENGTH, 0, false},
    [CHUNKED] = {FRAMING_CHUNKED, 0, false},
};

/* `change` is made before the step runs; NULL: none. */
static enum step_result admit(struct fixture *fixture, void **state, const char *policy,
                              const char *const *fields, enum sending sent,
                              void (*change)(struct fixture *fixture))
{
    fixture_begin(fixture, state, fields);
    fixture_policy(fixture, state, policy);
    fixture->client.framing = FRAMINGS[sent];
    if (change)
        change(fixture);
    return fixture_run(fixture, upload_admit);
}

static void drain(struct fixture *fixture)
{
    fixture->parts.drain = DRAIN_STOPPING;
}

/* --- enforced -------------------------------------------------------------------------- */

static void the_first_violation_counts(void **state)
{
    static const struct {
        const char *fields[7];
        enum sending sent;
        void (*change)(struct fixture *fixture);
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {{NULL}, FIVE, NULL, REFUSAL_NONE, NULL},
        {{NULL}, CHUNKED, NULL, REFUSAL_NONE, NULL},
        {{NULL}, NOTHING, NULL, REFUSAL_NONE, NULL}, /* the image or the policy may allow that */
        {{"Content-Encoding", "gzip", NULL}, NOTHING, NULL, REFUSAL_CONTENT_ENCODING, NULL},
        {{SIZE, "6", NULL},
         FIVE,
         NULL,
         REFUSAL_SIZE_MISMATCH,
         "x-openstack-image-size is 6, and Content-Length is 5"},
        {{SIZE, "x", NULL},
         FIVE,
         NULL,
         REFUSAL_BAD_REQUEST,
         "x-openstack-image-size is not a number of bytes"},
        {{"Content-MD5", "kAFQmDzST7DWlj99KOF/cg==", NULL}, FIVE, NULL, REFUSAL_NONE, NULL},
        {{"Content-MD5", "x", NULL},
         FIVE,
         NULL,
         REFUSAL_BAD_REQUEST,
         "Content-MD5 is not an MD5 in base64"},
        {{"Content-MD5", "x", "Content-Range", "x", NULL}, FIVE, NULL, REFUSAL_CONTENT_RANGE, NULL},
        {{NULL}, FIVE, drain, REFUSAL_DRAINING, NULL},
        {{"Content-Range", "x", NULL}, CHUNKED, drain, REFUSAL_DRAINING, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        assert_outcome(
            &fixture,
            admit(&fixture, state, ENFORCED, rows[i].fields, rows[i].sent, rows[i].change),
            rows[i].refusal, rows[i].detail);
        fixture_end(&fixture);
    }
}

static void facts_of_the_head_are_kept(void **state)
{
    static const char *const fields[] = {
        SIZE, "3", "Content-Type", FORM, "Digest", "md5=kAFQmDzST7DWlj99KOF/cg==", NULL};
    struct fixture fixture;
    assert_int_equal(admit(&fixture, state, ENFORCED, fields, CHUNKED, NULL), STEP_NEXT);
    const struct upload_head *head = fixture.head;
    const struct upload_size *size = fixture.size;
    assert_true(head->declared_form && head->promised && size->known && !size->comes_later);
    assert_int_equal(head->promise, 3);
    assert_int_equal(size->bytes, 3);
    assert_int_equal(head->fixes, FIX_CONTENT_TYPE | FIX_MULTIPART | FIX_LENGTH);
    assert_int_equal(head->promises.count, 1);
    assert_int_equal(fixture.upload->image_promises.count, 0);
    fixture_end(&fixture);
}

static void a_missing_length_is_noted(void **state)
{
    static const struct {
        const char *fields[3];
        enum sending sent;
        bool none;
    } rows[] = {
        {{NULL}, CHUNKED, true},
        {{"Content-Type", FORM, NULL}, CHUNKED, true},
        {{SIZE, "5", NULL}, CHUNKED, false},
        {{NULL}, FIVE, false},
        {{"Content-Type", FORM, NULL}, FIVE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        assert_int_equal(admit(&fixture, state, ENFORCED, rows[i].fields, rows[i].sent, NULL),
                         STEP_NEXT);
        assert_int_equal(fixture.head->no_length, rows[i].none);
        fixture_end(&fixture);
    }
}

static void an_empty_body_is_noted(void **state)
{
    static const struct {
        enum sending sent;
        bool empty;
    } rows[] = {{NOTHING, true}, {FIVE, false}, {CHUNKED, false}};
    static const char *const fields[] = {NULL};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        assert_int_equal(admit(&fixture, state, ENFORCED, fields, rows[i].sent, NULL), STEP_NEXT);
        assert_int_equal(fixture.head->empty, rows[i].empty);
        fixture_end(&fixture);
    }
}

/* --- audit mode ------------------------------------------------------------------------ */

static void audit_mode_notes_or_keeps_violations(void **state)
{
    static const char *const fields[] = {"Content-Encoding", "gzip", "Content-Range", "x", NULL};
    static const uint64_t reported =
        UINT64_C(1) << REFUSAL_CONTENT_ENCODING | UINT64_C(1) << REFUSAL_CONTENT_RANGE;
    struct fixture fixture;
    assert_int_equal(admit(&fixture, state, WATCHED, fields, CHUNKED, NULL), STEP_NEXT);
    assert_int_equal(fixture_audit_mode(&fixture), AUDIT_ON);
    assert_true(fixture_record(&fixture)->audit_reasons == reported);
    assert_int_equal(fixture_pending(&fixture), 0);
    fixture_end(&fixture);
    assert_int_equal(admit(&fixture, state, MIXED, fields, CHUNKED, NULL), STEP_NEXT);
    assert_int_equal(fixture_audit_mode(&fixture), AUDIT_UNDECIDED);
    assert_true(fixture_record(&fixture)->audit_reasons == 0);
    assert_int_equal(fixture_pending(&fixture), 2);
    assert_int_equal(fixture.x->audit.pending[0].reason, REFUSAL_CONTENT_RANGE);
    fixture_end(&fixture);
}

static void a_malformed_head_is_refused_in_audit_mode(void **state)
{
    static const char *const bad_size[] = {SIZE, "x", NULL};
    static const char *const bad_digest[] = {"Content-MD5", "x", NULL};
    static const char *const none[] = {NULL};
    static const char *const policies[] = {WATCHED, MIXED};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        assert_int_equal(admit(&fixture, state, policies[i], bad_size, FIVE, NULL), STEP_REFUSE);
        assert_int_equal(fixture_refusal(&fixture)->reason, REFUSAL_BAD_REQUEST);
        fixture_end(&fixture);
        assert_int_equal(admit(&fixture, state, policies[i], bad_digest, FIVE, NULL), STEP_REFUSE);
        assert_int_equal(fixture_refusal(&fixture)->reason, REFUSAL_BAD_REQUEST);
        fixture_end(&fixture);
        assert_int_equal(admit(&fixture, state, policies[i], none, FIVE, drain), STEP_REFUSE);
        assert_int_equal(fixture_refusal(&fixture)->reason, REFUSAL_DRAINING);
        fixture_end(&fixture);
    }
}

/* A form that goes on is larger than the file whose size was promised. */
static void a_form_in_audit_mode_has_no_certain_size(void **state)
{
    static const char *const fields[] = {"Content-Type", FORM, SIZE, "3", NULL};
    static const struct {
        const char *policy;
        bool size_known;
    } rows[] = {{ENFORCED, true}, {MIXED, false}, {WATCHED, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        assert_int_equal(admit(&fixture, state, rows[i].policy, fields, FIVE, NULL), STEP_NEXT);
        assert_int_equal(fixture.size->known, rows[i].size_known);
        assert_true(fixture.head->promised && fixture.size->comes_later);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_first_violation_counts),
        FIXTURE_TEST(facts_of_the_head_are_kept),
        FIXTURE_TEST(a_missing_length_is_noted),
        FIXTURE_TEST(an_empty_body_is_noted),
        FIXTURE_TEST(audit_mode_notes_or_keeps_violations),
        FIXTURE_TEST(a_malformed_head_is_refused_in_audit_mode),
        FIXTURE_TEST(a_form_in_audit_mode_has_no_certain_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
