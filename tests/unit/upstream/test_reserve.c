/* SPDX-License-Identifier: Apache-2.0 */
/* The latest bytes of an upload stay behind until the next ones come, and feed Glance meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_request.h"

/* --- the bytes that stay ------------------------------------------------------------------- */

static struct transfer *reserving(uint64_t interval)
{
    static struct transfer transfer;
    env.settings.glance.feed_interval = interval;
    transfer = (struct transfer){.settings = &env.settings, .owner = &OWNER};
    reserve_prepare(&transfer);
    return &transfer;
}

static void end_of_what_came_stays(void **state)
{
    (void)state;
    static const struct {
        size_t before, count, kept;
    } rows[] = {{0, 1, 1},
                {0, RESERVE_MAX, RESERVE_MAX},
                {0, RESERVE_MAX + 1, RESERVE_MAX},
                {1, 1, 2},
                {RESERVE_MAX - 1, 2, RESERVE_MAX},
                {RESERVE_MAX, 1, RESERVE_MAX},
                {RESERVE_MAX, MIB, RESERVE_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct transfer *transfer = reserving(1000);
        transfer->reserve.count = rows[i].before;
        assert_int_equal(reserve_kept_of(transfer, rows[i].count), rows[i].kept);
        transfer->all_pulled = true;
        assert_int_equal(reserve_kept_of(transfer, rows[i].count), 0);
        reserve_end(&transfer->reserve);
    }
}

static void nothing_stays_when_it_is_off(void **state)
{
    (void)state;
    static const struct upstream_callbacks relay = {.pull = pull};
    assert_int_equal(reserve_kept_of(reserving(0), MIB), 0);
    struct transfer relayed = {.settings = &env.settings, .owner = &relay};
    env.settings.glance.feed_interval = 1000;
    reserve_prepare(&relayed);
    assert_int_equal(reserve_kept_of(&relayed, MIB), 0);
}

static void bytes_leave_in_their_order(void **state)
{
    (void)state;
    char got[RESERVE_MAX];
    struct reserve *reserve = &reserving(1000)->reserve;
    assert_int_equal(reserve_kept_of(reserving(1000), 6), 6);
    reserve_put(reserve, "abc", 3);
    reserve_put(reserve, "def", 3);
    assert_int_equal(reserve_take(reserve, got, 1), 1);
    assert_int_equal(got[0], 'a');
    assert_int_equal(reserve_take(reserve, got, sizeof got), 5);
    assert_memory_equal(got, "bcdef", 5);
    assert_int_equal(reserve_take(reserve, got, 1), 0);
    reserve_end(reserve);
}

static void missing_bytes_of_a_pipe_are_told(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    struct transfer *transfer = reserving(1000);
    assert_true(pipe_open(&pipe));
    assert_int_equal(write(pipe.ends[1], "abc", 3), 3);
    assert_int_equal(reserve_kept_of(transfer, 4), 4);
    assert_true(reserve_put_from_pipe(&transfer->reserve, pipe.ends[0], 2));
    assert_false(reserve_put_from_pipe(&transfer->reserve, pipe.ends[0], 2));
    assert_false(reserve_put_from_pipe(&transfer->reserve, pipe.ends[0], 1));
    reserve_end(&transfer->reserve);
    pipe_close(&pipe);
}

/* --- in an upload -------------------------------------------------------------------------- */

static void every_byte_arrives_with_a_reserve(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {RAW_REQUEST_MIN, MIB, MIB + 1, 3 * MIB + 7};
    static const size_t pieces[] = {0, 5 * KIB, RESERVE_MAX + 1, MIB - 1};
    int before = open_files();
    env.settings.glance.feed_interval = 1;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
                env.piece = pieces[j];
                env.wait_every = (unsigned)(i + j) % 3 * 20;
                send_whole(giving, lengths[i]);
            }
    assert_int_equal(open_files(), before);
}

static void slow_glance_gets_every_byte_with_a_reserve(void **state)
{
    (void)state;
    int little = 16 * KIB;
    setsockopt(env.taker.socket, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    env.taker.pause_us = 300;
    env.settings.glance.feed_interval = 1000;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++) {
        env.piece = 300 * KIB + 1;
        send_whole(giving, 6 * MIB + 5);
    }
}

/* The owner gives a part, and then nothing: the bytes that stay trickle out. */
static void silent_owner_is_fed_to_the_last_byte(void **state)
{
    (void)state;
    env.settings.glance.feed_interval = 1;
    env.piece = 200 * KIB;
    env.silent_at = env.taker.takes = 400 * KIB;
    env.taker.answer = TOO_LARGE;
    for (enum giving giving = READ; giving <= MOVED; giving++) {
        start(giving, MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(env.taker.took, 400 * KIB);
        renew_loop();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(end_of_what_came_stays),
        TEST(nothing_stays_when_it_is_off),
        TEST(bytes_leave_in_their_order),
        TEST(missing_bytes_of_a_pipe_are_told),
        TEST(every_byte_arrives_with_a_reserve),
        TEST(slow_glance_gets_every_byte_with_a_reserve),
        TEST(silent_owner_is_fed_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
