/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets. The worker accepts by itself and hands each connection to libmicrohttpd,
 * which would stay deaf after the descriptors ran out.
 *
 * A socket that cannot be accepted from for lack of descriptors or memory stays readable, so the
 * worker rests for a moment and tries again. Until then clients wait in the kernel's queue. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that one turn takes from one socket: others wait meanwhile. */
enum { BATCH = 16, REST_MS = 100, SAY_AGAIN_MS = 60000 };

static void watch_all(struct listener *listener, unsigned events)
{
    for (size_t i = 0; i < listener->acceptor_count; i++)
        if (!watch_set(listener->parts.loop, &listener->acceptors[i].watch, events))
            timer_set(listener->parts.loop, &listener->rest, REST_MS);
}

static void rested(struct timer *timer)
{
    watch_all((struct listener *)((char *)timer - offsetof(struct listener, rest)), LOOP_READ);
}

static void say_why(struct listener *listener, int why)
{
    if (listener->rest_said && clock_ms() - listener->rest_said < SAY_AGAIN_MS)
        return;
    listener->rest_said = clock_ms();
    log_say(
        LOG_LEVEL_WARNING,
        "connections cannot be accepted just now: %s; clients wait. Raise LimitNOFILE, or lower "
        "max_connections",
        strerror(why));
}

/* Without a timer there is nothing to end the rest, so the sockets stay watched. */
static void rest(struct listener *listener, int why)
{
    say_why(listener, why);
    if (timer_set(listener->parts.loop, &listener->rest, REST_MS))
        watch_all(listener, 0);
}

/* Beyond max_connections a client is told so; this far beyond, it is not even listened to. */
static bool has_room(const struct listener *listener)
{
    const struct listener_parts *parts = &listener->parts;
    unsigned max = parts->snapshot(parts->context)->settings->listen.max_connections;
    return atomic_load(parts->connections) < max + max / 8 + 64;
}

/* The peer may have gone again, or the network be down for it: neither is about this socket. */
static bool is_about_us(int why)
{
    return why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM || why == EBADF ||
           why == EINVAL || why == ENOTSOCK;
}

/* False: there is nothing more to accept just now. */
static bool accept_one(struct acceptor *acceptor)
{
    struct listener *listener = acceptor->listener;
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    struct sockaddr *address = (struct sockaddr *)&peer;
    int fd = accept4(acceptor->watch.fd, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_about_us(errno))
        rest(listener, errno);
    if (fd < 0)
        return errno != EAGAIN && !listener->rest.place;
    if (!has_room(listener)) {
        close(fd);
        return true;
    }
    listener->due = true;
    /* Where it fails it has closed the descriptor. */
    if (MHD_add_connection(listener->daemon, fd, address, length) == MHD_YES)
        return true;
    rest(listener, errno);
    return false;
}

static void acceptor_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct acceptor *acceptor =
        (struct acceptor *)((char *)watch - offsetof(struct acceptor, watch));
    for (int i = 0; i < BATCH && accept_one(acceptor); i++)
        continue;
}

bool acceptors_open(struct listener *listener, const int *sockets, size_t count)
{
    listener->rest.fire = rested;
    listener->acceptors = calloc(count, sizeof *listener->acceptors);
    if (!listener->acceptors) {
        for (size_t i = 0; i < count; i++)
            close(sockets[i]);
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        struct acceptor *acceptor = &listener->acceptors[listener->acceptor_count++];
        acceptor->listener = listener;
        acceptor->watch.fd = sockets[i];
        acceptor->watch.ready = acceptor_ready;
        good &= watch_set(listener->parts.loop, &acceptor->watch, LOOP_READ);
    }
    return good;
}

void acceptors_close(struct listener *listener)
{
    timer_cancel(listener->parts.loop, &listener->rest);
    for (size_t i = 0; i < listener->acceptor_count; i++) {
        watch_set(listener->parts.loop, &listener->acceptors[i].watch, 0);
        close(listener->acceptors[i].watch.fd);
    }
    free(listener->acceptors);
    listener->acceptors = NULL;
    listener->acceptor_count = 0;
}
