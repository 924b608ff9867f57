/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const _Atomic uint64_t bytes = 200;

static void begin(struct fixture *fixture, void **state)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_image(fixture, "queued", "raw", "bare");
    assert_int_equal(image_check_lock(fixture->x, fixture->check, fixture->size), STEP_NEXT);
    fixture_enter(fixture);
}

/* Another upload to the image, which was sent. */
static struct upload_lock *other(struct fixture *fixture)
{
    const struct upload_lock_facts facts = {.began_wall_ms = clock_wall_ms() - 2050};
    struct upload_lock *upload_lock =
        upload_lock_new(fixture->parts.upload_locks, "image", &facts, &bytes);
    assert_int_equal(upload_lock_send(upload_lock, true), UPLOAD_LOCK_SENT);
    return upload_lock;
}

/* Runs the step, after Glance has answered with `image` unless that is NULL. */
static enum step_result step(struct fixture *fixture, unsigned status, const char *image)
{
    if (image) {
        assert_true(fixture_question(fixture, QUESTION_IMAGE)->begun);
        fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    }
    return fixture_run(fixture, upload_wait_turn);
}

#define IMAGE(status) "{\"status\": \"" status "\"}"

static bool was_sent(struct fixture *fixture)
{
    const struct upload_lock_facts facts = {0};
    struct upload_lock_facts of_first;
    struct upload_lock *late =
        upload_lock_new(fixture->parts.upload_locks, "image", &facts, &bytes);
    bool sent = upload_lock_other(late, &of_first);
    upload_lock_release(late);
    return sent;
}

static void the_only_upload_is_sent_at_once(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_false(was_sent(&fixture));
    assert_int_equal(step(&fixture, 0, NULL), STEP_NEXT);
    assert_true(was_sent(&fixture));
    assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
    fixture_end(&fixture);
}

static void an_upload_that_glance_is_taking_goes_first(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    struct upload_lock *first = other(&fixture);
    assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
    assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT); /* woken by something else */
    assert_outcome(&fixture, step(&fixture, 200, IMAGE("saving")), REFUSAL_UPLOAD_IN_PROGRESS,
                   "it began 2 s ago, and Glance has 200 bytes of it");
    upload_lock_release(first);
    fixture_end(&fixture);
}

static void a_finished_upload_may_have_filled_the_image(void **state)
{
    static const struct {
        const char *image;
        const char *detail; /* NULL: it goes on */
    } rows[] = {{IMAGE("active"), "its status is active"},
                {IMAGE("saving"), "its status is saving, and this proxy is not uploading it"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        upload_lock_release(other(&fixture));
        assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
        assert_outcome(&fixture, step(&fixture, 200, rows[i].image), REFUSAL_IMAGE_NOT_QUEUED,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

/* Glance may still refuse the other upload. */
static void an_upload_that_glance_has_not_begun_is_waited_for(void **state)
{
    static const struct {
        unsigned status;
        const char *image;
    } rows[] = {{200, IMAGE("queued")}, {200, "?"}, {404, IMAGE("gone")}, {503, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        struct upload_lock *first = other(&fixture);
        assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
        assert_int_equal(step(&fixture, rows[i].status, rows[i].image), STEP_WAIT);
        assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
        fixture_fire(&fixture, STEP_TIMER);
        assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT); /* it asks again */
        assert_true(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        upload_lock_release(first);
        assert_int_equal(step(&fixture, 200, IMAGE("queued")), STEP_WAIT);
        fixture_fire(&fixture, STEP_TIMER);
        assert_int_equal(step(&fixture, 0, NULL), STEP_NEXT);
        assert_true(was_sent(&fixture));
        fixture_end(&fixture);
    }
}

/* Also if more uploads are sent meanwhile. */
static void the_wait_for_the_other_upload_is_short(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    struct upload_lock *first = other(&fixture);
    assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
    fixture.upload->turn_wait_began_ms = clock_ms() - 5001;
    assert_int_equal(step(&fixture, 200, IMAGE("queued")), STEP_NEXT);
    upload_lock_release(first);
    assert_true(was_sent(&fixture));
    fixture_end(&fixture);
}

static void audit_mode_notes_the_other_upload(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture_audit(&fixture, AUDIT_ON);
    struct upload_lock *first = other(&fixture);
    assert_int_equal(step(&fixture, 0, NULL), STEP_WAIT);
    assert_int_equal(step(&fixture, 200, IMAGE("saving")), STEP_NEXT);
    assert_true(fixture_record(&fixture)->audit_reasons == refusal_bit(REFUSAL_UPLOAD_IN_PROGRESS));
    upload_lock_release(first);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_only_upload_is_sent_at_once),
        FIXTURE_TEST(an_upload_that_glance_is_taking_goes_first),
        FIXTURE_TEST(a_finished_upload_may_have_filled_the_image),
        FIXTURE_TEST(an_upload_that_glance_has_not_begun_is_waited_for),
        FIXTURE_TEST(the_wait_for_the_other_upload_is_short),
        FIXTURE_TEST(audit_mode_notes_the_other_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
