/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer, and two connections of which the test has both ends. */
#ifndef UPSTREAM_CONNECTION_PAIRS_H
#define UPSTREAM_CONNECTION_PAIRS_H

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

static inline void stop_loop(struct timer *timer)
{
    (void)timer;
    loop_stop(yard.loop);
}

/* Lets the loop handle its events. Only once in a test: a stopped loop does not run again. */
static inline void turn(void)
{
    struct loop *loop = yard.loop;
    assert_true(timer_set(loop, &yard.stop, 20));
    loop_run(loop);
}

static inline void connect_pair(int listening, struct sockaddr_in *address, size_t i)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void tell(size_t i, int what)
{
    assert_int_equal(sockets_changed(yard.easy, yard.here[i], what, yard.glance, NULL), 0);
}

static inline struct socket *known(size_t i)
{
    size_t place = (size_t)yard.here[i];
    return place < yard.glance->socket_places ? yard.glance->sockets[place] : NULL;
}

static inline void begin(size_t i)
{
    tell(i, CURL_POLL_IN);
    yard.transfer.head_told = true;
}

static inline void answer_and_rest(size_t i)
{
    begin(i);
    tell(i, CURL_POLL_REMOVE);
    socket_release(&yard.transfer);
    assert_true(list_is_linked(&known(i)->place));
    assert_null(yard.transfer.connection.last);
}

#endif
