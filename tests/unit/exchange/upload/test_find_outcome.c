/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const NO_FIELDS[] = {NULL};

/* The SHA-512 of "abc" (FIPS 180-4). */
#define SHA512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

#define IMAGE(status, size, hash, stores)                                                          \
    "{\"status\": \"" status "\", \"size\": " size ", \"os_hash_algo\": \"sha512\", "              \
    "\"os_hash_value\": \"" hash "\", \"stores\": \"" stores "\"}"

#define GOOD IMAGE("active", "3", SHA512, "file,test")

/* Glance has got "abc", or a part of it, and fails. */
static void begin(struct fixture *fixture, void **state, enum refusal failure, unsigned status,
                  bool whole)
{
    fixture_begin(fixture, state, NO_FIELDS);
    fixture->settings.glance.response_timeout = 60000;
    if (whole)
        fixture_sent(fixture, "abc");
    else
        fixture_body(fixture, "abc", NULL);
    fixture->outcome->failure = failure;
    fixture_answer(fixture)->status = status;
    fixture->send->last_sent_ms = clock_ms();
    fixture_record(fixture)->store = strdup("test");
}

/* Enters the step, and runs it again when Glance has answered. */
static enum step_result see(struct fixture *fixture, unsigned status, const char *image)
{
    fixture_enter(fixture);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    return fixture_run(fixture, upload_verify);
}

/* The wait is over, and Glance answers. */
static enum step_result see_next(struct fixture *fixture, unsigned status, const char *image)
{
    assert_true(fixture_is_set(fixture, POLL_TIMER));
    fixture_fire(fixture, POLL_TIMER);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    assert_true(fixture_question(fixture, QUESTION_IMAGE)->begun &&
                !fixture_question(fixture, QUESTION_IMAGE)->over);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    return fixture_run(fixture, upload_verify);
}

/* The time is over. */
static enum step_result see_last(struct fixture *fixture, unsigned status, const char *image)
{
    fixture_poll_since(fixture, 120 * 1000);
    fixture->send->last_sent_ms = clock_ms() - 121 * 1000;
    fixture->outcome->seen_queued = true;
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    return fixture_run(fixture, upload_verify);
}

/* --- a part of the body -------------------------------------------------------------------- */

#define QUEUED "the image is queued again: upload once more"
#define REFUSED                                                                                    \
    QUEUED                                                                                         \
    "; if that ends the same way, Glance may refuse the upload, and its log says why at req-1"
#define PART                                                                                       \
    "Glance has only a part of it, and the image is still saving: if it stays so, delete it and "  \
    "create a new one"
#define BUSY                                                                                       \
    "all of it was sent, and Glance is still busy with the image: do not delete it yet, look at "  \
    "it again later"
#define GIVEN_UP "Glance has given up on the image: delete it and create a new one"
#define UNKNOWN                                                                                    \
    "all of it was sent, and the state of the image is unknown: look at it, and do not delete it " \
    "while it is saving"

static void the_state_after_a_part_of_the_body_is_told(void **state)
{
    static const struct {
        enum refusal failure;
        unsigned answered;  /* by Glance; 0: no answer */
        const char *before; /* the detail so far */
        unsigned status;
        const char *image;
        const char *after, *detail;
    } rows[] = {
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("queued", "0", "", ""), "queued", REFUSED},
        {REFUSAL_GLANCE_FAILED, 204, "it broke", 200, IMAGE("queued", "0", "", ""), "queued",
         "it broke; " QUEUED},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("saving", "0", "", ""), "saving", PART},
        {REFUSAL_GLANCE_TIMEOUT, 0, "", 200, IMAGE("saving", "0", "", ""), "saving",
         "the image is still saving"},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, GOOD, "active",
         "the image has become active: compare its os_hash_value with the file's"},
        {REFUSAL_GLANCE_FAILED, 0, "", 404, "", "deleted", "the image is gone"},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("killed", "0", "", ""), "killed", GIVEN_UP},
        {REFUSAL_GLANCE_FAILED, 0, "it broke", 503, "", "", "it broke"},
        {REFUSAL_GLANCE_FAILED, 0, "", 401, "", "", ""},
        /* Glance's own answer passes unchanged */
        {REFUSAL_NONE, 500, "", 200, IMAGE("saving", "0", "", ""), "saving", NULL},
        {REFUSAL_NONE, 500, "", 200, IMAGE("queued", "0", "", ""), "queued", NULL},
        {REFUSAL_NONE, 500, "", 500, "", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        char line[128];
        begin(&fixture, state, rows[i].failure, rows[i].answered, false);
        fixture_text(fixture.outcome->detail, rows[i].before);
        assert_outcome(&fixture, see_last(&fixture, rows[i].status, rows[i].image), rows[i].failure,
                       rows[i].detail);
        assert_string_equal(fixture_record(&fixture)->image_after, rows[i].after);
        snprintf(line, sizeof line, "req-1: Glance failed, and the image image is %s now",
                 rows[i].after);
        assert_logged(&fixture, rows[i].after[0] ? line : NULL);
        fixture_end(&fixture);
    }
}

/* Glance queues the image again shortly after its answer; and one question may fail. */
static void after_a_500_a_saving_image_is_asked_for_again(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, REFUSAL_NONE, 500, false);
    assert_int_equal(see(&fixture, 200, IMAGE("saving", "0", "", "")), STEP_WAIT);
    assert_int_equal(see_next(&fixture, 503, ""), STEP_WAIT);
    assert_string_equal(fixture_record(&fixture)->image_after, "");
    assert_int_equal(see_next(&fixture, 200, IMAGE("queued", "0", "", "")), STEP_NEXT);
    assert_string_equal(fixture_record(&fixture)->image_after, "queued");
    fixture_end(&fixture);
}

/* Also if verification is off. */
static void a_failure_is_looked_into_although_verification_is_off(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, REFUSAL_NONE, 500, false);
    fixture.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(see(&fixture, 200, IMAGE("queued", "0", "", "")), STEP_NEXT);
    assert_string_equal(fixture_record(&fixture)->image_after, "queued");
    fixture_end(&fixture);
}

/* --- the whole body without an answer ------------------------------------------------------ */

/* The first question comes after a second, then they get rarer, and one that fails ends nothing. */
static void the_image_is_asked_for_until_it_is_stored(void **state)
{
    static const char saving[] = IMAGE("saving", "0", "", "");
    static const unsigned balancers[] = {0, 502, 503, 504};
    for (size_t i = 0; i < sizeof balancers / sizeof balancers[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, balancers[i] ? REFUSAL_NONE : REFUSAL_GLANCE_FAILED, balancers[i],
              true);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_verify), STEP_WAIT);
        assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        assert_int_equal(fixture_poll_wait(&fixture), 1000);
        assert_int_equal(see_next(&fixture, 200, saving), STEP_WAIT);
        assert_int_equal(fixture_poll_wait(&fixture), 2000);
        assert_int_equal(see_next(&fixture, 503, ""), STEP_WAIT);
        assert_int_equal(see_next(&fixture, 200, saving), STEP_WAIT);
        assert_int_equal(fixture_poll_wait(&fixture), 8000);
        assert_int_equal(see_next(&fixture, 200, saving), STEP_WAIT);
        assert_int_equal(see_next(&fixture, 200, saving), STEP_WAIT);
        assert_int_equal(fixture_poll_wait(&fixture), 30000);
        assert_outcome(&fixture, see_next(&fixture, 200, GOOD), REFUSAL_NONE, NULL);
        assert_int_equal(fixture_answer(&fixture)->status, 204);
        assert_int_equal(fixture_answer(&fixture)->body.len, 0);
        assert_string_equal(fixture_record(&fixture)->verified, "sha512");
        assert_string_equal(fixture_record(&fixture)->image_after, "");
        fixture_end(&fixture);
    }
}

static void the_state_after_a_whole_body_is_told(void **state)
{
    static const struct {
        unsigned status;
        const char *image;
        enum refusal refusal;
        const char *after, *detail;
    } rows[] = {
        {200, IMAGE("queued", "0", "", ""), REFUSAL_GLANCE_FAILED, "queued", REFUSED},
        {200, IMAGE("saving", "0", "", ""), REFUSAL_GLANCE_TIMEOUT, "saving", BUSY},
        {200, IMAGE("killed", "0", "", ""), REFUSAL_GLANCE_FAILED, "killed", GIVEN_UP},
        {200, IMAGE("pending_delete", "0", "", ""), REFUSAL_GLANCE_FAILED, "pending_delete",
         "the image is gone"},
        {404, "", REFUSAL_GLANCE_FAILED, "deleted", "the image is gone"},
        {200, GOOD, REFUSAL_NONE, "", NULL},
        {200, IMAGE("active", "2", SHA512, "test"), REFUSAL_VERIFY_FAILED, "",
         "Glance has 2 bytes, and was sent 3"},
        {401, "", REFUSAL_GLANCE_FAILED, "", UNKNOWN},
        {503, "", REFUSAL_GLANCE_FAILED, "", UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (enum audit audit = AUDIT_OFF; audit <= AUDIT_ON; audit += AUDIT_ON - AUDIT_OFF) {
            struct fixture fixture;
            begin(&fixture, state, REFUSAL_GLANCE_FAILED, 0, true);
            fixture_audit(&fixture, audit);
            assert_outcome(&fixture, see_last(&fixture, rows[i].status, rows[i].image),
                           rows[i].refusal, rows[i].detail);
            assert_string_equal(fixture_record(&fixture)->image_after, rows[i].after);
            fixture_end(&fixture);
        }
}

/* A request that waits in front of Glance may begin after its connection has ended. */
static void queued_counts_when_it_is_seen_twice(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, REFUSAL_GLANCE_FAILED, 0, true);
    assert_int_equal(see(&fixture, 200, IMAGE("queued", "0", "", "")), STEP_WAIT);
    assert_outcome(&fixture, see_next(&fixture, 200, GOOD), REFUSAL_NONE, NULL);
    fixture_end(&fixture);
    begin(&fixture, state, REFUSAL_GLANCE_FAILED, 0, true);
    assert_int_equal(see(&fixture, 200, IMAGE("queued", "0", "", "")), STEP_WAIT);
    assert_outcome(&fixture, see_next(&fixture, 200, IMAGE("queued", "0", "", "")),
                   REFUSAL_GLANCE_FAILED, REFUSED);
    fixture_end(&fixture);
}

/* `verify = off` is about good answers only. */
static void a_lost_answer_is_compared_although_verification_is_off(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, REFUSAL_GLANCE_FAILED, 0, true);
    fixture.settings.upload.verify = VERIFY_OFF;
    assert_outcome(&fixture, see(&fixture, 200, GOOD), REFUSAL_NONE, NULL);
    assert_int_equal(fixture_answer(&fixture)->status, 204);
    assert_string_equal(fixture_record(&fixture)->verified, "size");
    fixture_end(&fixture);
}

/* The status is `uploading` during and after staging: only the size tells. */
static void a_stage_is_over_when_it_has_a_size(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, REFUSAL_GLANCE_FAILED, 0, true);
    fixture_record(&fixture)->kind = RECORD_STAGE;
    assert_int_equal(see(&fixture, 200, IMAGE("uploading", "null", "", "")), STEP_WAIT);
    assert_outcome(&fixture, see_next(&fixture, 200, "{\"status\": \"uploading\", \"size\": 3}"),
                   REFUSAL_NONE, NULL);
    assert_int_equal(fixture_answer(&fixture)->status, 204);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_state_after_a_part_of_the_body_is_told),
        FIXTURE_TEST(after_a_500_a_saving_image_is_asked_for_again),
        FIXTURE_TEST(a_failure_is_looked_into_although_verification_is_off),
        FIXTURE_TEST(the_image_is_asked_for_until_it_is_stored),
        FIXTURE_TEST(the_state_after_a_whole_body_is_told),
        FIXTURE_TEST(queued_counts_when_it_is_seen_twice),
        FIXTURE_TEST(a_lost_answer_is_compared_although_verification_is_off),
        FIXTURE_TEST(a_stage_is_over_when_it_has_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
