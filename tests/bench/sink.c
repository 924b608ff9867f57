/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for Glance, and must never be the bottleneck: it compares uploads with the expected
 * data (stream.h) and drops them, serves the same data as downloads and 2 KiB of JSON as images,
 * and answers the proxy's other requests for an upload.
 *
 *     bench-sink [--digest] [--tls PEM] PORT      until it is killed; images have a SHA-512 with
 *                                                 --digest; PEM has a certificate and its key */
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS = 64, SOCKETS_MAX = 64 * 1024 };

/* By their sockets. */
static struct guest {
    struct connection *connection;
    enum connection_wants wants;
} guests[SOCKETS_MAX];

static void fail(const char *what)
{
    fprintf(stderr, "bench-sink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, BACKLOG) < 0)
        fail("listen");
    return listener;
}

static void watch(int epoll, int operation, int socket, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = socket};
    if (epoll_ctl(epoll, operation, socket, &event) < 0)
        fail("epoll_ctl");
}

static void welcome(struct sink *sink, int epoll, int listener)
{
    int one = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED)
            fail("accept");
        return;
    }
    if (socket >= SOCKETS_MAX) {
        close(socket);
        return;
    }
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct guest *guest = &guests[socket];
    *guest = (struct guest){connection_new(sink, socket), WANTS_INPUT};
    if (!guest->connection)
        fail("connection");
    watch(epoll, EPOLL_CTL_ADD, socket, EPOLLIN);
}

static void attend(int epoll, int socket)
{
    struct guest *guest = &guests[socket];
    enum connection_wants wants = connection_run(guest->connection);
    if (wants == WANTS_END) {
        connection_free(guest->connection);
    } else if (wants != guest->wants) {
        guest->wants = wants;
        watch(epoll, EPOLL_CTL_MOD, socket, wants == WANTS_INPUT ? EPOLLIN : EPOLLOUT);
    }
}

static void serve(struct sink *sink, int listener)
{
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail("epoll");
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                welcome(sink, epoll, listener);
            else
                attend(epoll, events[i].data.fd);
        }
    }
}

int main(int count, char **arguments)
{
    static const struct option options[] = {
        {"digest", no_argument, NULL, 'd'}, {"tls", required_argument, NULL, 't'}, {0}};
    bool digest = false;
    const char *pem = NULL;
    int letter;
    while ((letter = getopt_long(count, arguments, "", options, NULL)) != -1) {
        digest = digest || letter == 'd';
        pem = letter == 't' ? optarg : pem;
    }
    if (count - optind != 1) {
        fputs("usage: bench-sink [--digest] [--tls PEM] PORT\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct sink sink = {images_new(digest), stream_room_new(), malloc(STREAM_PIECE),
                        pem ? transport_context(pem) : NULL};
    if (!sink.images || !sink.room || !sink.piece || (pem && !sink.context))
        fail("start");
    serve(&sink, listen_on(atoi(arguments[optind])));
}
