/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between two requests: which are closed. */
#include "unit/upstream/connection_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

static bool peer_sees_the_end(size_t i)
{
    char byte;
    return recv(yard.there[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static bool may_send(unsigned port)
{
    return idle_before_request(&yard.transfer, NULL, NULL, 0, (int)port) == CURL_PREREQFUNC_OK;
}

static void quiet_connection_stays_open(void **state)
{
    (void)state;
    answer_and_rest(0);
    turn();
    assert_non_null(known(0));
    assert_false(peer_sees_the_end(0));
    assert_true(may_send(yard.port[0]));
    assert_true(yard.transfer.connection.reused);
    assert_false(yard.transfer.connection.stale);
    socket_release(&yard.transfer);
}

/* libcurl checks an idle connection by peeking at it. It must see the end of the connection. */
static void check_dropped(size_t i)
{
    char byte;
    turn();
    assert_null(known(i));
    assert_true(list_is_empty(&yard.glance->idle));
    assert_int_equal(recv(yard.here[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT), 0);
}

static void connection_that_glance_closes_is_closed(void **state)
{
    (void)state;
    answer_and_rest(0);
    shutdown(yard.there[0], SHUT_WR);
    check_dropped(0);
    assert_true(peer_sees_the_end(0));
}

static void idle_connection_that_gets_bytes_is_closed(void **state)
{
    (void)state;
    answer_and_rest(0);
    assert_int_equal(send(yard.there[0], "H", 1, 0), 1);
    check_dropped(0);
}

/* The socket of a paused transfer is not watched, so no later event reports these bytes. */
static void connection_with_bytes_left_is_closed_when_it_becomes_idle(void **state)
{
    (void)state;
    begin(0);
    tell(0, CURL_POLL_REMOVE);
    assert_int_equal(send(yard.there[0], "H", 1, 0), 1);
    known(0)->watch.ready(&known(0)->watch, LOOP_READ);
    assert_non_null(known(0));
    assert_int_equal(known(0)->watch.events, 0);
    socket_release(&yard.transfer);
    check_dropped(0);
}

static void connection_of_a_paused_transfer_is_left_alone(void **state)
{
    (void)state;
    char bytes[4];
    begin(0);
    tell(0, CURL_POLL_REMOVE);
    assert_int_equal(send(yard.there[0], "rest", 4, 0), 4);
    shutdown(yard.there[0], SHUT_WR);
    turn();
    assert_non_null(known(0));
    assert_int_equal(recv(yard.here[0], bytes, sizeof bytes, MSG_DONTWAIT), 4);
}

static void connection_in_use_is_not_idle(void **state)
{
    (void)state;
    answer_and_rest(0);
    begin(0);
    assert_false(list_is_linked(&known(0)->place));
    assert_true(list_is_empty(&yard.glance->idle));
    assert_ptr_equal(yard.transfer.connection.last, known(0));
    tell(0, CURL_POLL_REMOVE);
    tell(1, CURL_POLL_IN); /* the transfer continues on another connection */
    assert_ptr_equal(yard.transfer.connection.last, known(1));
    assert_null(known(0)->user);
    tell(1, CURL_POLL_REMOVE);
    socket_leave(known(1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(quiet_connection_stays_open),
        TEST(connection_that_glance_closes_is_closed),
        TEST(idle_connection_that_gets_bytes_is_closed),
        TEST(connection_with_bytes_left_is_closed_when_it_becomes_idle),
        TEST(connection_of_a_paused_transfer_is_left_alone),
        TEST(connection_in_use_is_not_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
