/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/ingest/buffered_update.h"

static void the_body_is_buffered_in_blocks_of_any_size(void **state)
{
    for (size_t piece = 0; piece <= strlen(TEXT); piece++) {
        struct fixture fixture;
        begin(&fixture, state, TEXT, strlen(TEXT));
        fixture.client.piece = piece;
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_true(fixture.client.invited);
        assert_int_equal(fixture_run(&fixture, buffer_body),
                         STEP_WAIT); /* woken by something else */
        assert_int_equal(go_on(&fixture), STEP_NEXT);
        assert_string_equal(buffer_text(fixture_json(&fixture)), TEXT);
        assert_int_equal(fixture.parts.holders.newcomers, strlen(TEXT));
        fixture_end(&fixture);
        assert_int_equal(fixture.parts.holders.newcomers, 0);
    }
}

static void a_body_is_waited_for(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "[1", UINT64_MAX);
    fixture.client.then = STREAM_WAIT;
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&fixture), STEP_WAIT);
    assert_int_equal(go_on(&fixture), STEP_WAIT);
    fixture.client.sends = ", 2]";
    fixture.client.then = STREAM_END;
    assert_int_equal(go_on(&fixture), STEP_NEXT);
    assert_string_equal(buffer_text(fixture_json(&fixture)), "[1, 2]");
    fixture_end(&fixture);
}

/* A byte now and then does not extend the time: others wait for the space. */
static void a_slow_body_times_out(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "[1", UINT64_MAX);
    fixture.client.then = STREAM_WAIT;
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_true(fixture_is_set(&fixture, STEP_TIMER)); /* the timer is set */
    assert_int_equal(go_on(&fixture), STEP_WAIT);
    fixture_fire(&fixture, STEP_TIMER);
    assert_outcome(&fixture, go_on(&fixture), REFUSAL_CLIENT_STALLED,
                   "all of its JSON must come within 60 s");
    fixture_end(&fixture);
}

static void a_whole_body_stops_the_timer(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, TEXT, strlen(TEXT));
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&fixture), STEP_NEXT);
    assert_false(fixture_is_set(&fixture, STEP_TIMER));
    fixture_end(&fixture);
}

static void a_lost_client_is_dropped(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "[1", UINT64_MAX);
    fixture.client.then = STREAM_LOST;
    assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&fixture), STEP_END);
    assert_true(fixture.client.dropped);
    fixture_end(&fixture);
}

/* --- what Glance gets -------------------------------------------------------------------- */

static void the_buffered_body_is_read_in_blocks_of_any_size(void **state)
{
    for (size_t room = 1; room <= sizeof TEXT; room++) {
        struct fixture fixture;
        char got[sizeof TEXT] = "";
        begin(&fixture, state, TEXT, strlen(TEXT));
        assert_int_equal(fixture_run(&fixture, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&fixture), STEP_NEXT);
        size_t length = 0;
        for (size_t count; (count = buffer_body_read(fixture.x, got + length, room)) > 0;
             length += count)
            assert_true(count <= room && length + count < sizeof got);
        assert_string_equal(got, TEXT);
        assert_int_equal(buffer_body_read(fixture.x, got, room), 0);
        fixture_end(&fixture);
    }
}

static void an_empty_buffer_gives_nothing(void **state)
{
    struct fixture fixture;
    char got[1];
    begin(&fixture, state, "", 0);
    assert_int_equal(buffer_body_read(fixture.x, got, sizeof got), 0);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_body_is_buffered_in_blocks_of_any_size),
        FIXTURE_TEST(a_body_is_waited_for),
        FIXTURE_TEST(a_slow_body_times_out),
        FIXTURE_TEST(a_whole_body_stops_the_timer),
        FIXTURE_TEST(a_lost_client_is_dropped),
        FIXTURE_TEST(the_buffered_body_is_read_in_blocks_of_any_size),
        FIXTURE_TEST(an_empty_buffer_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
