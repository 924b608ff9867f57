/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between two requests: which are closed, and which may be used again. */
#include "upstream/upstream_priv.h"

#include "intake/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ENDS = 2 };

static struct {
    struct loop *loop;
    struct glance *glance;
    CURL *easy;
    struct transfer transfer;
    int here[ENDS], there[ENDS]; /* the ends of each connection */
    unsigned port[ENDS];         /* of `here` */
    struct timer stop;
} yard;

static void stop_loop(struct timer *timer)
{
    (void)timer;
    loop_stop(yard.loop);
}

/* Lets the loop handle its events. Only once in a test: a stopped loop does not run again. */
static void turn(void)
{
    struct loop *loop = yard.loop;
    assert_true(timer_set(loop, &yard.stop, 20));
    loop_run(loop);
}

static void connect_pair(int listening, struct sockaddr_in *address, size_t i)
{
    socklen_t size = sizeof *address;
    struct sockaddr_in own;
    yard.here[i] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(yard.here[i], (struct sockaddr *)address, size), 0);
    yard.there[i] = accept(listening, NULL, NULL);
    assert_true(yard.there[i] >= 0);
    assert_int_equal(getsockname(yard.here[i], (struct sockaddr *)&own, &size), 0);
    yard.port[i] = ntohs(own.sin_port);
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    memset(&yard, 0, sizeof yard);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(listening, ENDS), 0);
    for (size_t i = 0; i < ENDS; i++)
        connect_pair(listening, &address, i);
    close(listening);
    yard.loop = loop_new();
    yard.glance = glance_new(yard.loop);
    yard.easy = curl_easy_init();
    yard.stop.fire = stop_loop;
    yard.transfer.glance = yard.glance;
    yard.transfer.easy = yard.easy;
    yard.transfer.connection.fd = CURL_SOCKET_BAD;
    curl_easy_setopt(yard.easy, CURLOPT_PRIVATE, &yard.transfer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENDS; i++) {
        sockets_close(yard.glance, yard.here[i]);
        close(yard.there[i]);
    }
    headers_free(&yard.transfer.answer);
    curl_easy_cleanup(yard.easy);
    glance_free(yard.glance);
    loop_free(yard.loop);
    return 0;
}

static void tell(size_t i, int what)
{
    assert_int_equal(sockets_changed(yard.easy, yard.here[i], what, yard.glance, NULL), 0);
}

static struct socket *known(size_t i)
{
    size_t place = (size_t)yard.here[i];
    return place < yard.glance->socket_places ? yard.glance->sockets[place] : NULL;
}

static void begin(size_t i)
{
    tell(i, CURL_POLL_IN);
    yard.transfer.head_told = true;
}

static void answer_and_rest(size_t i)
{
    begin(i);
    tell(i, CURL_POLL_REMOVE);
    socket_release(&yard.transfer);
    assert_true(list_is_linked(&known(i)->place));
    assert_null(yard.transfer.connection.last);
}

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
        TEST(quiet_connection_stays_open),
        TEST(connection_that_glance_closes_is_closed),
        TEST(idle_connection_that_gets_bytes_is_closed),
        TEST(connection_with_bytes_left_is_closed_when_it_becomes_idle),
        TEST(connection_of_a_paused_transfer_is_left_alone),
        TEST(connection_in_use_is_not_idle),
        TEST(connection_with_unread_bytes_gets_no_request),
        TEST(unknown_connection_gets_no_request),
        TEST(connection_of_an_answered_request_takes_the_next_one),
        TEST(answer_to_another_request_is_detected),
        TEST(echo_is_remembered_per_connection),
        TEST(echo_is_remembered_after_an_immediate_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
