/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections from the listening sockets. The worker calls accept4() itself and gives each
 * connection to libmicrohttpd, because libmicrohttpd's own accepting does not recover after the
 * process ran out of descriptors.
 *
 * When descriptors or memory are short, a listening socket stays readable. So the worker pauses
 * accepting for PAUSE_MS and tries again. Meanwhile clients wait in the kernel's queue. */
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

/* ACCEPT_BATCH: connections per socket and turn of the loop, so that other watches get their
 * turn. */
enum { ACCEPT_BATCH = 16, PAUSE_MS = 100, LOG_AGAIN_MS = 60000 };

static void watch_all(struct listener *listener, unsigned events)
{
    for (size_t i = 0; i < listener->acceptor_count; i++)
        if (!watch_set(listener->parts.loop, &listener->acceptors[i].watch, events))
            timer_set(listener->parts.loop, &listener->accept_pause, PAUSE_MS);
}

static void resume_accepting(struct timer *timer)
{
    watch_all(CONTAINER_OF(timer, struct listener, accept_pause), LOOP_READ);
}

static void log_pause(struct listener *listener, int why)
{
    if (listener->pause_logged && clock_ms() - listener->pause_logged < LOG_AGAIN_MS)
        return;
    listener->pause_logged = clock_ms();
    log_say(
        LOG_LEVEL_WARNING,
        "connections cannot be accepted just now: %s; clients wait. Raise LimitNOFILE, or lower "
        "max_connections",
        strerror(why));
}

/* If the timer cannot be set, nothing would end the pause, so the sockets stay watched. */
static void pause_accepting(struct listener *listener, int why)
{
    log_pause(listener, why);
    if (timer_set(listener->parts.loop, &listener->accept_pause, PAUSE_MS))
        watch_all(listener, 0);
}

/* A client beyond max_connections gets a 503. Beyond this higher limit the connection is closed
 * without an answer. */
static bool is_below_hard_limit(const struct listener *listener)
{
    const struct listener_parts *parts = &listener->parts;
    unsigned max = parts->snapshot(parts->context)->settings->listen.max_connections;
    return atomic_load(parts->connections) < max + max / 8 + 64;
}

/* Other errors are about one connection only: its peer has left, or its network is down. */
static bool is_about_process(int why)
{
    return why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM || why == EBADF ||
           why == EINVAL || why == ENOTSOCK;
}

bool listener_take_connection(struct listener *listener, int fd, const struct sockaddr *peer,
                              socklen_t size)
{
    listener->due = true;
    /* If it fails, it has closed the descriptor. */
    if (MHD_add_connection(listener->daemon, fd, peer, size) == MHD_YES)
        return true;
    pause_accepting(listener, errno);
    return false;
}

/* False: stop accepting in this turn. */
static bool accept_one(struct acceptor *acceptor)
{
    struct listener *listener = acceptor->listener;
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    struct sockaddr *address = (struct sockaddr *)&peer;
    int fd = accept4(acceptor->watch.fd, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_about_process(errno))
        pause_accepting(listener, errno);
    if (fd < 0)
        return errno != EAGAIN && !listener->accept_pause.place;
    if (!is_below_hard_limit(listener)) {
        close(fd);
        return true;
    }
    if (!proxy_protocol_expected(listener, address))
        return listener_take_connection(listener, fd, address, length);
    proxy_protocol_begin(listener, fd, address, length);
    return true;
}

static void acceptor_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct acceptor *acceptor = CONTAINER_OF(watch, struct acceptor, watch);
    for (int i = 0; i < ACCEPT_BATCH && accept_one(acceptor); i++)
        continue;
}

bool acceptors_open(struct listener *listener, const int *sockets, size_t count)
{
    listener->accept_pause.fire = resume_accepting;
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
    timer_cancel(listener->parts.loop, &listener->accept_pause);
    for (size_t i = 0; i < listener->acceptor_count; i++) {
        watch_set(listener->parts.loop, &listener->acceptors[i].watch, 0);
        close(listener->acceptors[i].watch.fd);
    }
    free(listener->acceptors);
    listener->acceptors = NULL;
    listener->acceptor_count = 0;
}
