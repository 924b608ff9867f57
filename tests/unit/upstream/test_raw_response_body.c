/* SPDX-License-Identifier: Apache-2.0 */
/* Large answers that arrive whole: read or spliced, with a fast or slow Glance or client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_response.h"

/* --- every byte -------------------------------------------------------------------------- */

static void every_byte_is_read(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {MIB, MIB + 1, 9 * MIB + 7};
    static const size_t pieces[] = {64 * KIB, 100 * 1000, MIB};
    assert_true(pipe_open(&env.pipe));
    int before = open_files();
    for (unsigned i = 0; i < 2 * 2 * 3 * 3; i++) {
        env.moves = i % 2;
        env.pausing = i / 2 % 2 * 2;
        giver.piece = pieces[i / 4 % 3];
        start(lengths[i / 12], lengths[i / 12]);
        end(TRANSFER_ANSWERED);
        assert_true(env.taken);
        assert_int_equal(env.got, giver.says);
    }
    assert_int_equal(open_files(), before);
}

/* Returns whether the answer was whole before the second tick. A busy machine may delay that. */
static bool ends_before_the_second_tick(void)
{
    uint64_t begun = clock_ms();
    start(3 * MIB, 3 * MIB);
    end(TRANSFER_ANSWERED);
    assert_int_equal(env.got, 3 * MIB);
    assert_true(env.ended - begun >= 1050);
    assert_in_range(env.turns, 3, 300);
    return env.ended - begun < 2000;
}

/* The last bytes are few, and arrive between the first tick and the second. The loop sleeps until
 * then. */
static void last_bytes_wait_for_no_tick(void **state)
{
    (void)state;
    giver.piece = MIB - 100;
    giver.pause_us = 350 * 1000;
    for (unsigned i = 0; i < 2; i++) {
        unsigned tries = 0;
        env.moves = i;
        while (!ends_before_the_second_tick())
            assert_true(++tries < 10);
    }
}

static void few_bytes_are_read_at_a_tick(void **state)
{
    (void)state;
    giver.piece = 100 * KIB;
    giver.pause_us = 30 * 1000;
    giver.port.end = TAKER_HOLDS;
    env.settings.glance.stall_timeout = 300;
    start(2 * MIB, MIB);
    end(TRANSFER_STALLED); /* after it has read what had arrived */
    assert_int_equal(env.got, MIB);
}

/* The client is slower than Glance. Bytes that arrive meanwhile must not wake the loop. */
static void slow_reader_causes_no_wakeups(void **state)
{
    (void)state;
    giver.piece = 64 * KIB;
    giver.pause_us = 2000;
    env.pausing = 100;
    for (unsigned i = 0; i < 2; i++) {
        env.moves = i;
        start(16 * MIB, 16 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(env.got, 16 * MIB);
        assert_in_range(env.turns_in_pause, 1, 10);
    }
}

/* --- who reads the rest ------------------------------------------------------------------ */

/* Otherwise libcurl could send another request there, and take bytes of this answer for the next
 * one. */
static void libcurl_closes_its_descriptor(void **state)
{
    (void)state;
    env.stops_at = MIB;
    start(8 * MIB, 8 * MIB);
    loop_run(env.loop);
    assert_true(env.taken);
    assert_int_equal(env.transfer->connection.fd, CURL_SOCKET_BAD);
    assert_null(env.glance->sockets[env.socket]);
    assert_int_equal(fcntl(env.socket, F_GETFD), -1);
    transfer_abort(env.transfer);
    env.transfer = NULL;
    join();
}

/* The whole answer then comes by data(). */
static void other_answers_are_left_to_libcurl(void **state)
{
    (void)state;
    static const struct {
        const char *status, *field;
        uint64_t asked_for;
        bool taken;
    } rows[] = {
        {"HTTP/1.1 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.0 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.1 200 OK", "Content-Length", 2 * MIB + 1, false},
        {"HTTP/1.1 200 OK", "X-Length", 2 * MIB, false},
        {"HTTP/1.0 200 OK", "X-Length", 2 * MIB, false},
    };
    giver.port.end = TAKER_CLOSES;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        giver.status = rows[i].status;
        giver.field = rows[i].field;
        env.asked_for = rows[i].asked_for;
        start(2 * MIB, 2 * MIB);
        end(TRANSFER_ANSWERED);
        if (env.taken != rows[i].taken)
            fail_msg("row %zu", i);
        assert_int_equal(env.got, 2 * MIB);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_is_read),
        TEST(last_bytes_wait_for_no_tick),
        TEST(few_bytes_are_read_at_a_tick),
        TEST(slow_reader_causes_no_wakeups),
        TEST(libcurl_closes_its_descriptor),
        TEST(other_answers_are_left_to_libcurl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
