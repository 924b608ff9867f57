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
static struct fixture fixture;
static struct upload_ticket *other; /* another upload, which has the only place */

static void told(void *context)
{
    (void)context;
}

static void take_the_place(void)
{
    const struct upload_queue_entry entry = {.urls = fixture.settings.glance.endpoints,
                                             .count = 1,
                                             .preferred = -1,
                                             .loop = fixture.parts.loop,
                                             .wake = told};
    upload_queue_limit(fixture.parts.upload_queue, 1);
    other = upload_queue_enter(fixture.parts.upload_queue, &entry);
    assert_int_equal(upload_ticket_endpoint(other), 0);
}

static void give_the_place_back(void)
{
    upload_ticket_leave(other);
    other = NULL;
    while (loop_run_sent(fixture.parts.loop))
        continue;
}

static void begin(void **state)
{
    fixture_begin(&fixture, state, FIELDS);
    fixture.client.framing = (struct framing_facts){.framing = FRAMING_LENGTH, .length = 5};
    take_the_place();
    fixture_enter(&fixture);
}

static void end(void)
{
    give_the_place_back();
    fixture_end(&fixture);
}

static enum record_state state_of_record(void)
{
    return fixture_record(&fixture)->state;
}

static void upload_waits_for_a_place(void **state)
{
    begin(state);
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_WAIT);
    assert_int_equal(state_of_record(), RECORD_QUEUED);
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_WAIT);
    assert_true(fixture_is_set(&fixture, STEP_TIMER));
    give_the_place_back();
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_NEXT);
    assert_int_equal(state_of_record(), RECORD_SENDING);
    assert_false(fixture_is_set(&fixture, STEP_TIMER));
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_NEXT); /* it has one */
    end();
}

static void spooled_upload_waits_later(void **state)
{
    begin(state);
    fixture.client.framing.framing = FRAMING_CHUNKED;
    fixture.head->no_length = true;
    fixture.size->comes_later = true;
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_NEXT);
    assert_int_equal(state_of_record(), RECORD_SENDING);
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_WAIT);
    assert_int_equal(state_of_record(), RECORD_QUEUED);
    end();
}

static void upload_without_data_does_not_wait(void **state)
{
    begin(state);
    fixture.client.framing = (struct framing_facts){.framing = FRAMING_LENGTH};
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_NEXT);
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_NEXT);
    end();
}

static void drain_refuses_what_has_no_body_yet(void **state)
{
    begin(state);
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_WAIT);
    fixture.parts.drain = DRAIN_STOPPING;
    exchange_wake_queued(&fixture.parts);
    enum step_result result = fixture_run(&fixture, upload_wait_place_early);
    assert_outcome(&fixture, result, REFUSAL_DRAINING, "");
    assert_int_equal(upload_queue_length(fixture.parts.upload_queue), 0);
    end();
}

static void drain_lets_a_spooled_upload_finish(void **state)
{
    begin(state);
    fixture_body(&fixture, "image", NULL);
    fixture.parts.drain = DRAIN_STOPPING;
    records_enter(fixture.parts.records, fixture_record(&fixture));
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_WAIT);
    end();
}

static void wait_has_an_end(void **state)
{
    begin(state);
    fixture.settings.glance.queue_timeout = 3600000;
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_WAIT);
    fixture.upload->wait.began_ms = clock_ms() - 3600000;
    enum step_result result = fixture_run(&fixture, upload_wait_place_early);
    assert_outcome(&fixture, result, REFUSAL_TOO_MANY_UPLOADS, "");
    assert_int_equal(upload_queue_length(fixture.parts.upload_queue), 0);
    end();
}

/* Whoever else has a place there, the next one is told. */
static void end_of_the_exchange_gives_the_place_back(void **state)
{
    begin(state);
    fixture_run(&fixture, upload_wait_place_early);
    exchange_stop_asking(fixture.x);
    assert_int_equal(upload_queue_length(fixture.parts.upload_queue), 0);
    exchange_stop_asking(fixture.x);
    end();
}

static void another_endpoint_is_tried_once(void **state)
{
    static char *two[] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
    begin(state);
    fixture.settings.glance.endpoints = two;
    fixture.settings.glance.endpoint_count = 2;
    assert_int_equal(fixture_run(&fixture, upload_wait_place_early), STEP_NEXT);
    assert_int_equal(fixture.x->glance.same_endpoint, 2); /* the first one is full */
    assert_true(upload_may_go_elsewhere(fixture.upload));
    upload_give_place_back(fixture.upload);
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_WAIT);
    give_the_place_back();
    assert_int_equal(fixture_run(&fixture, upload_wait_place), STEP_NEXT);
    assert_int_equal(fixture.x->glance.same_endpoint, 1);
    assert_false(upload_may_go_elsewhere(fixture.upload));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(upload_waits_for_a_place),
        FIXTURE_TEST(spooled_upload_waits_later),
        FIXTURE_TEST(upload_without_data_does_not_wait),
        FIXTURE_TEST(drain_refuses_what_has_no_body_yet),
        FIXTURE_TEST(drain_lets_a_spooled_upload_finish),
        FIXTURE_TEST(wait_has_an_end),
        FIXTURE_TEST(end_of_the_exchange_gives_the_place_back),
        FIXTURE_TEST(another_endpoint_is_tried_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
