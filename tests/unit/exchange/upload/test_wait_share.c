/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/scratch.h"
#include "unit/exchange/fixture.h"

static const char *const FIELDS[] = {"Host", "h", NULL};
static const struct policy_share ONE_PER_CLIENT[POLICY_LIMIT_COUNT] = {
    [POLICY_LIMIT_UPLOADS_PER_CLIENT] = {1, NULL}};
static struct fixture fixture;
static struct share_ticket *other; /* another upload, which has the only share */

static void told(void *context)
{
    (void)context;
}

/* An upload by a limit of one for each client. */
static void begin(void **state)
{
    fixture_begin(&fixture, state, FIELDS);
    fixture.client.framing = (struct framing_facts){.framing = FRAMING_LENGTH, .length = 5};
    memcpy(fixture.decision->shares, ONE_PER_CLIENT, sizeof ONE_PER_CLIENT);
    fixture_enter(&fixture);
}

static void take_the_share(void)
{
    const struct share_entry entry = {.limits = ONE_PER_CLIENT,
                                      .project = "other",
                                      .client = "192.0.2.7",
                                      .loop = fixture.parts.loop,
                                      .wake = told};
    other = fair_shares_enter(fixture.parts.fair_shares, &entry);
    assert_false(share_waits(other));
}

static void give_the_share_back(void)
{
    share_leave(other);
    other = NULL;
    while (loop_run_sent(fixture.parts.loop))
        continue;
}

static void end(void)
{
    give_the_share_back();
    fixture_end(&fixture);
}

static void upload_waits_for_its_share(void **state)
{
    begin(state);
    take_the_share();
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_WAIT);
    assert_int_equal(fixture_record(&fixture)->state, RECORD_QUEUED);
    assert_true(fixture_is_set(&fixture, STEP_TIMER));
    give_the_share_back();
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    assert_int_equal(fixture_record(&fixture)->state, RECORD_SENDING);
    assert_false(fixture_is_set(&fixture, STEP_TIMER));
    assert_int_equal(fair_shares_waiting(fixture.parts.fair_shares), 0);
    end();
}

static void wait_ends_after_a_minute(void **state)
{
    begin(state);
    take_the_share();
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_WAIT);
    fixture.upload->wait.began_ms = clock_ms() - 60000;
    enum step_result result = fixture_run(&fixture, upload_wait_share);
    assert_outcome(&fixture, result, REFUSAL_TOO_MANY_UPLOADS, "");
    assert_int_equal(fair_shares_waiting(fixture.parts.fair_shares), 0);
    end();
}

static void client_that_leaves_leaves_the_line(void **state)
{
    begin(state);
    take_the_share();
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_WAIT);
    exchange_stop_asking(fixture.x);
    assert_int_equal(fair_shares_waiting(fixture.parts.fair_shares), 0);
    exchange_stop_asking(fixture.x);
    end();
}

static void drain_refuses_those_that_wait(void **state)
{
    begin(state);
    take_the_share();
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_WAIT);
    fixture.parts.drain = DRAIN_STOPPING;
    exchange_wake_queued(&fixture.parts);
    enum step_result result = fixture_run(&fixture, upload_wait_share);
    assert_outcome(&fixture, result, REFUSAL_DRAINING, "");
    end();
}

static void audit_mode_delays_nothing(void **state)
{
    begin(state);
    take_the_share();
    fixture_audit(&fixture, AUDIT_ON);
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    end();
}

static void upload_without_data_does_not_wait(void **state)
{
    begin(state);
    take_the_share();
    fixture.client.framing = (struct framing_facts){.framing = FRAMING_LENGTH};
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    end();
}

/* Somebody who only sees the image must not take its owner's share. */
static void glance_confirms_before_the_project_is_counted(void **state)
{
    begin(state);
    fixture.decision->shares[POLICY_LIMIT_UPLOADS] = (struct policy_share){1, NULL};
    fixture_image(&fixture, "queued", "raw", "bare");
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_WAIT);
    assert_non_null(fixture.x->glance.transfer);
    assert_null(fixture.upload->share.ticket);
    fixture_answer(&fixture)->status = 409;
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    assert_non_null(fixture.upload->share.ticket);
    end();
}

static void what_was_confirmed_is_not_asked_again(void **state)
{
    begin(state);
    fixture.decision->shares[POLICY_LIMIT_RATE] = (struct policy_share){1 << 20, NULL};
    fixture.check->may_upload = true;
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    assert_non_null(fixture.upload->share.ticket);
    end();
}

/* Its reading waits, and a timer wakes it. */
static void rate_slows_reading(void **state)
{
    enum { RATE = 1 << 20 };
    begin(state);
    fixture.decision->shares[POLICY_LIMIT_RATE] = (struct policy_share){RATE, NULL};
    fixture.check->may_upload = true;
    assert_int_equal(fixture_run(&fixture, upload_wait_share), STEP_NEXT);
    size_t room = upload_throttle_room(fixture.upload, SIZE_MAX);
    assert_in_range(room, 1, RATE);
    assert_int_equal(upload_throttle_took(fixture.upload, RATE), RATE);
    assert_int_equal(upload_throttle_took(fixture.upload, -1), -1);
    assert_int_equal(upload_throttle_room(fixture.upload, 100), 0);
    assert_int_not_equal(fixture.upload->share.timer.place, 0);
    upload_give_share_back(fixture.upload);
    assert_int_equal(fixture.upload->share.timer.place, 0);
    assert_int_equal(upload_throttle_room(fixture.upload, 100), 100);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(upload_waits_for_its_share),
        FIXTURE_TEST(wait_ends_after_a_minute),
        FIXTURE_TEST(client_that_leaves_leaves_the_line),
        FIXTURE_TEST(drain_refuses_those_that_wait),
        FIXTURE_TEST(audit_mode_delays_nothing),
        FIXTURE_TEST(upload_without_data_does_not_wait),
        FIXTURE_TEST(glance_confirms_before_the_project_is_counted),
        FIXTURE_TEST(what_was_confirmed_is_not_asked_again),
        FIXTURE_TEST(rate_slows_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
