/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/inspection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

#define SPOILT  "{\"status\": \"queued\", \"os_hash_value\": \"ab\", \"stores\": \"test\"}"
#define WAITING "{\"status\": \"queued\"}"

static const char *const NO_FIELDS[] = {NULL};

/* Glance has answered 415 to a whole upload of `text`. */
static void begin(struct fixture *fixture, void **state, const char *disk_format, const char *text)
{
    fixture_begin(fixture, state, NO_FIELDS);
    fixture_image(fixture, "queued", disk_format, "bare");
    fixture->settings.upload.checks = (struct check_levels){0};
    fixture_sent(fixture, text);
    fixture->send->as_octets = true;
    fixture_answer(fixture)->status = 415;
}

static void see(struct fixture *fixture, unsigned status, const char *image)
{
    fixture_enter(fixture);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    assert_outcome(fixture, fixture_run(fixture, upload_verify), REFUSAL_NONE, NULL);
}

/* The client is told the state of the image, and the reason. */
static void the_hint_says_the_state_of_the_image(void **state)
{
    static const struct {
        const char *disk_format, *text;
        unsigned status;
        const char *image, *hint;
    } rows[] = {
        {"vhd", "abc", 200, SPOILT,
         "Glance has refused the data after storing it: declared vhd, and Glance takes a VHD only "
         "if it begins with its header, which a fixed one does not: convert it with qemu-img "
         "convert -f vpc -O vpc FILE COPY. The image takes no other data now, so delete it and "
         "create a new one: curl -X DELETE -H 'X-Auth-Token: TOKEN' "},
        {"raw", "abc", 200, SPOILT,
         "Glance has refused the data after storing it: Glance's log says why at req-1. The image "
         "takes no other data now"},
        {"raw", "abc", 200, WAITING,
         "Glance has refused the data after storing it: Glance's log says why at req-1. The image "
         "waits for data again."},
        {"raw", "abc", 403, "",
         "Glance has refused the data after storing it: Glance's log says "
         "why at req-1. The image takes no other data now"},
        {"vhdx", "vhdxfile", 200, SPOILT,
         "Glance has refused the data after storing it: glance_store misreads a VHDX if the store "
         "reads it in large blocks, as S3 does: use another store, or convert it with qemu-img "
         "convert -O qcow2 FILE COPY and create the image with --disk-format qcow2. "
         "The image takes no other data now"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].disk_format, rows[i].text);
        see(&fixture, rows[i].status, rows[i].image);
        const char *hint = fixture.outcome->hint ? fixture.outcome->hint : "";
        if (strncmp(hint, rows[i].hint, strlen(rows[i].hint)) != 0)
            fail_msg("row %zu: %s", i, hint);
        assert_string_equal(fixture_record(&fixture)->image_after,
                            rows[i].status == 200 ? "queued" : "");
        assert_true(headers_of_answer(fixture.x, &fixture.out));
        assert_string_equal(headers_get(&fixture.out, "X-Intake-Hint"), hint);
        fixture_end(&fixture);
    }
}

/* Later uploads of such data are refused before they are sent. The log says so once. */
static void a_refusal_after_storing_is_learned(void **state)
{
    static const struct {
        enum glance_checks checks;
        const char *disk_format, *text;
        unsigned learned;
    } rows[] = {
        {GLANCE_CHECKS_AUTO, "vhd", "abc", GLANCE_OBJECTIONS_ALL},
        {GLANCE_CHECKS_AUTO, "vhdx", "vhdxfile", GLANCE_OBJECTIONS_ALL},
        {GLANCE_CHECKS_AUTO, "raw", "abc",
         GLANCE_OBJECTIONS_ALL & ~GLANCE_OBJECTION_BIT(GLANCE_MISMATCH)},
        {GLANCE_CHECKS_OFF, "vhd", "abc", 0},
        {GLANCE_CHECKS_ON, "vhd", "abc", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].disk_format, rows[i].text);
        fixture.settings.upload.glance_checks = rows[i].checks;
        see(&fixture, 200, SPOILT);
        assert_int_equal(inspection_refuses(&fixture.inspection), rows[i].learned);
        assert_logged(&fixture,
                      "req-1: Glance has refused the data of image image after storing it");
        if (rows[i].learned)
            assert_logged(&fixture, "req-1: this Glance checks the data after storing it");
        fixture_end(&fixture);
    }
}

/* Another type, a part of the body, a stage, or another status. */
static void other_answers_are_not_learned_from(void **state)
{
    enum { TYPE, PART, STAGE, STATUS, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct fixture fixture;
        begin(&fixture, state, "vhd", "abc");
        fixture.send->as_octets = way != TYPE;
        if (way == PART) {
            body_free(fixture.upload->body);
            fixture_body(&fixture, "abc", NULL);
        }
        if (way == STAGE)
            fixture_record(&fixture)->kind = RECORD_STAGE;
        if (way == STATUS)
            fixture_answer(&fixture)->status = 409;
        fixture_enter(&fixture);
        assert_false(is_late_refusal(fixture.upload));
        assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
        assert_null(fixture.outcome->hint);
        assert_int_equal(inspection_refuses(&fixture.inspection), 0);
        fixture_end(&fixture);
    }
}

static void an_accepted_upload_is_learned(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "vhd", "abc");
    fixture_answer(&fixture)->status = 204;
    fixture.settings.upload.verify = VERIFY_OFF;
    assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
    assert_int_equal(fixture.inspection.taken, GLANCE_OBJECTION_BIT(GLANCE_MISMATCH));
    fixture_end(&fixture);
}

static void objections_of_glance_that_are_refused_first(void **state)
{
    static const struct {
        enum glance_checks checks;
        bool learned;
        enum record_kind ingest;
        bool refuses;
    } rows[] = {
        {GLANCE_CHECKS_AUTO, false, RECORD_FILE, false},
        {GLANCE_CHECKS_AUTO, true, RECORD_FILE, true},
        {GLANCE_CHECKS_ON, false, RECORD_FILE, true},
        {GLANCE_CHECKS_OFF, true, RECORD_FILE, false},
        {GLANCE_CHECKS_ON, true, RECORD_STAGE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, NO_FIELDS);
        fixture.settings.upload.glance_checks = rows[i].checks;
        fixture_record(&fixture)->kind = rows[i].ingest;
        if (rows[i].learned)
            inspection_learn_refused(&fixture.inspection, GLANCE_MISMATCH);
        assert_int_equal(late_refusals_expected(fixture.upload),
                         rows[i].refuses ? GLANCE_OBJECTIONS_ALL : 0);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_hint_says_the_state_of_the_image),
        FIXTURE_TEST(a_refusal_after_storing_is_learned),
        FIXTURE_TEST(other_answers_are_not_learned_from),
        FIXTURE_TEST(an_accepted_upload_is_learned),
        FIXTURE_TEST(objections_of_glance_that_are_refused_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
