/* SPDX-License-Identifier: Apache-2.0 */
/* Large answers that do not arrive whole: Glance closes the connection or stops sending, there is
 * no memory, or the client is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_response.h"

static void closed_connection_is_a_failure(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_RESETS};
    static const uint64_t gives[] = {20 * KIB, 5 * MIB - 1};
    int before = open_files() + 2; /* the ends of the pipe, which is opened later */
    for (unsigned i = 0; i < 2 * 2 * 2; i++) {
        env.moves = i % 2;
        giver.port.end = ends[i / 2 % 2];
        start(5 * MIB, gives[i / 4]);
        end(TRANSFER_FAILED);
        assert_true(env.got <= giver.gives);
        if (giver.port.end == TAKER_CLOSES)
            assert_int_equal(env.got, giver.gives);
    }
    assert_int_equal(open_files(), before);
}

static void stalled_glance_times_out(void **state)
{
    (void)state;
    env.settings.glance.stall_timeout = 300;
    giver.port.end = TAKER_HOLDS;
    for (unsigned i = 0; i < 2; i++) {
        env.moves = i;
        start(5 * MIB, 2 * MIB);
        end(TRANSFER_STALLED);
        assert_int_equal(env.got, 2 * MIB);
    }
}

static ssize_t no_memory_to_read(const struct net_socket *socket, void *into, size_t room)
{
    (void)socket;
    (void)into;
    (void)room;
    return STREAM_NO_MEMORY;
}

static ssize_t no_memory_to_splice(const struct net_socket *socket, int pipe, size_t room)
{
    (void)socket;
    (void)pipe;
    (void)room;
    return STREAM_NO_MEMORY;
}

/* This is not a fault of Glance. */
static void lack_of_memory_is_reported_as_such(void **state)
{
    (void)state;
    static const struct net_operations operations = {.read = no_memory_to_read,
                                                     .splice_in = no_memory_to_splice,
                                                     .splice_out = no_memory_to_splice};
    env.operations = &operations;
    for (unsigned i = 0; i < 2; i++) {
        env.moves = i;
        start(5 * MIB, 5 * MIB);
        end(TRANSFER_NO_MEMORY);
    }
}

static void answer_can_be_aborted(void **state)
{
    (void)state;
    assert_true(pipe_open(&env.pipe));
    int before = open_files();
    for (unsigned i = 0; i < 2; i++) {
        env.moves = i;
        env.stops_at = 2 * MIB;
        start(64 * MIB, 64 * MIB);
        loop_run(env.loop);
        transfer_abort(env.transfer);
        env.transfer = NULL;
        join();
        assert_int_equal(env.done, 0);
        end_loop();
        new_loop();
    }
    assert_int_equal(open_files(), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(closed_connection_is_a_failure),
        TEST(stalled_glance_times_out),
        TEST(lack_of_memory_is_reported_as_such),
        TEST(answer_can_be_aborted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
