/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies that are not sent to the end: Glance answers early, stops reading or closes the
 * connection, the client is lost, or there is no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_request.h"

/* --- Glance does not receive the body ------------------------------------------------------ */

static void early_refusal_ends_the_body(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_WAITS};
    static const uint64_t takes[] = {0, 1, 10 * 1000, 3 * MIB};
    env.taker.answer = TOO_LARGE;
    for (size_t i = 0; i < 3 * 2 * 4; i++) {
        env.taker.end = ends[i % 2];
        env.taker.takes = takes[i / 2 % 4];
        start((enum giving)(i / 8), 64 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(env.status, 413);
        assert_int_equal(env.words, 5);
        assert_true(env.given < 64 * MIB);
        renew_loop();
    }
}

/* None of these answers makes libcurl send the request again. */
static void every_early_refusal_is_the_answer(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *answer;
    } rows[] = {
        {401,
         "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"},
        {307, "HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"},
        {417, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"},
        {410, "HTTP/1.0 410 Gone\r\n\r\nwords until it closes"},
        {413, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 413 No\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        env.taker.answer = rows[i].answer;
        env.taker.takes = i * MIB;
        start(IN_TURNS, 64 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(env.status, rows[i].status);
        assert_true(env.given < 64 * MIB);
        renew_loop();
    }
}

static void interim_answers_are_no_answer(void **state)
{
    (void)state;
    env.taker.interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n";
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 5 * MIB);
}

/* Glance cannot have received the whole body, even if the owner has provided it. */
static void success_before_the_end_is_a_failure(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {RAW_REQUEST_MIN, 8 * MIB};
    int little = 4 * KIB;
    setsockopt(env.taker.socket, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    env.send_buffer = little;
    env.taker.takes = 1;
    env.taker.end = TAKER_HOLDS;
    for (size_t i = 0; i < 3 * 2; i++) {
        start((enum giving)(i / 2), lengths[i % 2]);
        end(TRANSFER_FAILED);
        assert_int_equal(env.status, 204);
        assert_int_equal(env.given == env.length, i % 2 == 0);
        renew_loop();
    }
}

/* The socket is writable all the time. The loop must not wake up for that. */
static void slow_answer_causes_no_busy_loop(void **state)
{
    (void)state;
    env.taker.answer = TOO_LARGE;
    env.taker.rest_us = 200 * 1000;
    env.taker.takes = 8 * MIB;
    env.piece = 64 * KIB;
    start(MOVED, 64 * MIB);
    end(TRANSFER_ANSWERED);
    assert_int_equal(env.words, 5);
    assert_in_range(env.turns, 1, 100);
}

static void closed_connection_is_a_failure(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_RESETS};
    static const uint64_t takes[] = {0, 1, 10 * 1000, 3 * MIB, 8 * MIB};
    int before = open_files();
    env.taker.answer = NULL;
    for (size_t i = 0; i < 3 * 2 * 5; i++) {
        env.taker.end = ends[i % 2];
        env.taker.takes = takes[i / 2 % 5];
        env.wait_every = i % 3 ? 4 : 0;
        start((enum giving)(i / 10), 8 * MIB);
        end(TRANSFER_FAILED);
        assert_int_equal(env.status, 0);
        renew_loop();
    }
    assert_int_equal(open_files(), before);
}

static void stalled_glance_times_out(void **state)
{
    (void)state;
    env.settings.glance.stall_timeout = 300;
    env.taker.takes = 10 * 1000;
    env.taker.answer = NULL;
    env.taker.end = TAKER_HOLDS;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++) {
        start(giving, 64 * MIB);
        end(TRANSFER_STALLED);
        renew_loop();
    }
}

/* --- the owner does not provide the body --------------------------------------------------- */

/* Glance must not take an incomplete body for a complete one. */
static void lost_client_cuts_the_connection(void **state)
{
    (void)state;
    static const uint64_t places[] = {1, RAW_REQUEST_MIN, 3 * MIB, 5 * MIB - 1};
    for (size_t i = 0; i < 3 * 4; i++) {
        env.lost_at = places[i % 4];
        env.piece = 100 * KIB;
        env.taker.takes = 5 * MIB;
        start((enum giving)(i / 4), 5 * MIB);
        end(i % 4 == 3 ? TRANSFER_ANSWERED : TRANSFER_GIVEN_UP);
        assert_int_equal(env.taker.ended, i % 4 != 3);
        renew_loop();
    }
}

/* Glance would read bytes after the body as the next request. */
static void more_than_the_length_cuts_the_connection(void **state)
{
    (void)state;
    env.piece = 100 * KIB;
    env.taker.takes = 3 * MIB;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++) {
        start(giving, 3 * MIB);
        env.length += MIB;
        end(TRANSFER_GIVEN_UP);
        assert_true(env.taker.ended);
        renew_loop();
    }
}

/* Bytes after a gap must not be sent, and the upload must not wait for the lost block. */
static void nothing_follows_a_block_without_memory(void **state)
{
    (void)state;
    env.taker.takes = 8 * MIB;
    env.taker.answer = NULL;
    for (unsigned i = 1; i < 5; i++) {
        splices_left = i;
        start(MOVED, 8 * MIB);
        end(TRANSFER_NO_MEMORY);
        assert_true(env.taker.ended && env.taker.took < 8 * MIB);
        renew_loop();
    }
    splices_left = 0;
}

static void stop_loop(struct timer *timer)
{
    (void)timer;
    loop_stop(env.loop);
}

/* With unsent bytes in its pipe or its copy, and without. */
static void upload_can_be_aborted_at_any_time(void **state)
{
    (void)state;
    int before = open_files();
    for (unsigned i = 0; i < 3 * 5; i++) {
        struct timer stop = {.fire = stop_loop};
        env.taker.takes = i % 5 * 100 * KIB;
        env.taker.answer = NULL;
        env.taker.end = TAKER_WAITS;
        start((enum giving)(i / 5), 64 * MIB);
        assert_true(timer_set(env.loop, &stop, i % 5 * 10));
        loop_run(env.loop);
        transfer_abort(env.transfer);
        env.transfer = NULL;
        assert_int_equal(env.done, 0);
        body_taker_join(&env.taker);
        assert_false(env.taker.wrong);
        assert_pipe_is_empty();
        renew_loop();
    }
    assert_int_equal(open_files(), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(early_refusal_ends_the_body),
        TEST(every_early_refusal_is_the_answer),
        TEST(interim_answers_are_no_answer),
        TEST(success_before_the_end_is_a_failure),
        TEST(slow_answer_causes_no_busy_loop),
        TEST(closed_connection_is_a_failure),
        TEST(stalled_glance_times_out),
        TEST(lost_client_cuts_the_connection),
        TEST(more_than_the_length_cuts_the_connection),
        TEST(nothing_follows_a_block_without_memory),
        TEST(upload_can_be_aborted_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
