/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between two requests: which get the next one. */
#include "unit/upstream/connection_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static bool may_send(unsigned port)
{
    return idle_before_request(&yard.transfer, NULL, NULL, 0, (int)port) == CURL_PREREQFUNC_OK;
}

/* A connection is identified by its local port. Only the one about to be used counts. */
static void connection_with_unread_bytes_gets_no_request(void **state)
{
    (void)state;
    answer_and_rest(0);
    answer_and_rest(1);
    assert_int_equal(send(yard.there[1], "H", 1, 0), 1);
    assert_false(may_send(yard.port[1]));
    assert_true(yard.transfer.connection.stale);
    assert_true(may_send(yard.port[0]));
    assert_false(yard.transfer.connection.stale);
    socket_release(&yard.transfer);
}

static void unknown_connection_gets_no_request(void **state)
{
    (void)state;
    assert_false(may_send(yard.port[0]));
    answer_and_rest(0);
    assert_false(may_send(0));
    assert_false(may_send((unsigned)-1));
}

/* libcurl gives the connection to the next request before the end of the last one is read. */
static void connection_of_an_answered_request_takes_the_next_one(void **state)
{
    (void)state;
    struct transfer next = {.glance = yard.glance, .easy = yard.easy};
    begin(0);
    yard.transfer.connection.echoes = true;
    tell(0, CURL_POLL_REMOVE);
    assert_int_equal(idle_before_request(&next, NULL, NULL, 0, (int)yard.port[0]),
                     CURL_PREREQFUNC_OK);
    assert_true(next.connection.echoes);
    assert_ptr_equal(known(0)->user, &next);
    assert_null(yard.transfer.connection.last);
    socket_release(&yard.transfer); /* now its end is read */
    assert_ptr_equal(known(0)->user, &next);
    assert_false(list_is_linked(&known(0)->place));
    socket_release(&next);
    assert_true(list_is_linked(&known(0)->place));
}

static void answer_to_another_request_is_detected(void **state)
{
    (void)state;
    static const struct {
        bool reused, echoes;
        unsigned status;
        const char *id; /* of the request, in the answer */
        bool out_of_step, echoes_after;
    } ROWS[] = {
        {false, false, 200, "req-own", false, true},
        {false, false, 200, "req-another", false, false}, /* this Glance makes its own ids */
        {false, false, 408, NULL, false, false},
        {true, true, 200, "req-own", false, true},
        {true, true, 200, "req-another", true, true},
        {true, true, 200, NULL, false, true}, /* such as the list of versions */
        {true, false, 200, "req-another", false, false},
        {true, false, 408, NULL, true, false},
        {true, true, 408, "req-own", true, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct transfer *transfer = &yard.transfer;
        headers_free(&transfer->answer);
        strcpy(transfer->id, "req-own");
        transfer->connection.reused = ROWS[i].reused;
        transfer->connection.echoes = ROWS[i].echoes;
        transfer->status = ROWS[i].status;
        if (ROWS[i].id)
            assert_true(headers_add(&transfer->answer, "x-openstack-request-id", ROWS[i].id));
        if (idle_is_out_of_step(transfer) != ROWS[i].out_of_step ||
            transfer->connection.stale != ROWS[i].out_of_step ||
            transfer->connection.echoes != ROWS[i].echoes_after)
            fail_msg("row %zu", i);
    }
}

/* Whether Glance returns the ids of requests is remembered for each connection. */
static void echo_is_remembered_per_connection(void **state)
{
    (void)state;
    yard.transfer.connection.echoes = true;
    answer_and_rest(0);
    yard.transfer.connection.echoes = false;
    answer_and_rest(1);
    assert_true(may_send(yard.port[0]));
    assert_true(yard.transfer.connection.echoes);
    socket_release(&yard.transfer);
    assert_true(may_send(yard.port[1]));
    assert_false(yard.transfer.connection.echoes);
    socket_release(&yard.transfer);
}

/* libcurl does not report the socket if the answer arrives as soon as the request is sent. */
static void echo_is_remembered_after_an_immediate_answer(void **state)
{
    (void)state;
    answer_and_rest(0);
    assert_true(may_send(yard.port[0]));
    assert_false(list_is_linked(&known(0)->place));
    yard.transfer.connection.echoes = true;
    socket_release(&yard.transfer);
    assert_true(list_is_linked(&known(0)->place));
    assert_true(may_send(yard.port[0]));
    assert_true(yard.transfer.connection.echoes);
    socket_release(&yard.transfer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(connection_with_unread_bytes_gets_no_request),
        TEST(unknown_connection_gets_no_request),
        TEST(connection_of_an_answered_request_takes_the_next_one),
        TEST(answer_to_another_request_is_detected),
        TEST(echo_is_remembered_per_connection),
        TEST(echo_is_remembered_after_an_immediate_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
