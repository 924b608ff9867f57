/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi handle in the worker's loop: its sockets are watches, its timer is a timer, and
 * its messages are read in a task, never while libcurl is on the stack.
 *
 * A callback of libcurl's that fails would end the handle, and every transfer on it with that. So
 * none does: where memory is short one transfer ends, or the timer is set as soon as it can be. */
#include "glance/glance_priv.h"

#include "intake/clock.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_CONNECTIONS = 64 };

/* A socket of libcurl's. libcurl keeps the pointer and gives it back with each change. */
struct socket {
    struct watch watch;
    struct glance *glance;
};

static void socket_ready(struct watch *watch, unsigned events)
{
    struct socket *socket = (struct socket *)((char *)watch - offsetof(struct socket, watch));
    int flags = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
                (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
                (events & LOOP_ERROR ? CURL_CSELECT_IN | CURL_CSELECT_ERR : 0);
    glance_drive(socket->glance, watch->fd, flags);
}

static unsigned to_events(int what)
{
    switch (what) {
    case CURL_POLL_IN:
        return LOOP_READ;
    case CURL_POLL_OUT:
        return LOOP_WRITE;
    case CURL_POLL_INOUT:
        return LOOP_READ | LOOP_WRITE;
    default:
        return 0;
    }
}

static struct socket *new_socket(struct glance *glance, curl_socket_t fd)
{
    struct socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->glance = glance;
    socket->watch.fd = fd;
    socket->watch.ready = socket_ready;
    curl_multi_assign(glance->multi, fd, socket);
    return socket;
}

static void forget_socket(struct glance *glance, curl_socket_t fd, struct socket *socket)
{
    if (!socket)
        return;
    watch_set(glance->loop, &socket->watch, 0);
    curl_multi_assign(glance->multi, fd, NULL);
    free(socket);
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    struct glance *glance = context;
    struct socket *socket = assigned;
    struct transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (what == CURL_POLL_REMOVE) {
        if (transfer)
            transfer_lost_socket(transfer, fd);
        forget_socket(glance, fd, socket);
        return 0;
    }
    if (transfer)
        transfer_has_socket(transfer, fd);
    if (!socket)
        socket = new_socket(glance, fd);
    bool watched = socket && watch_set(glance->loop, &socket->watch, to_events(what));
    if (!watched && transfer)
        transfer_is_unwatched(transfer);
    return 0;
}

static void set_timer(struct glance *glance)
{
    uint64_t now = clock_ms();
    uint64_t left = glance->timer_due > now ? glance->timer_due - now : 0;
    if (!timer_set(glance->loop, &glance->timer, left))
        task_post(glance->loop, &glance->set_late);
}

static void set_late(struct task *task)
{
    set_timer((struct glance *)((char *)task - offsetof(struct glance, set_late)));
}

static int timer_changed(CURLM *multi, long ms, void *context)
{
    (void)multi;
    struct glance *glance = context;
    task_cancel(glance->loop, &glance->set_late);
    if (ms < 0) {
        timer_cancel(glance->loop, &glance->timer);
        return 0;
    }
    glance->timer_due = clock_ms() + (uint64_t)ms;
    set_timer(glance);
    return 0;
}

static void timer_fired(struct timer *timer)
{
    struct glance *glance = (struct glance *)((char *)timer - offsetof(struct glance, timer));
    glance_drive(glance, CURL_SOCKET_TIMEOUT, 0);
}

void glance_drive(struct glance *glance, curl_socket_t socket, int flags)
{
    int running;
    curl_multi_socket_action(glance->multi, socket, flags, &running);
    task_post(glance->loop, &glance->reap);
}

static void reap(struct task *task)
{
    struct glance *glance = (struct glance *)((char *)task - offsetof(struct glance, reap));
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(glance->multi, &left));) {
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        if (message->msg == CURLMSG_DONE && transfer)
            transfer_ended(transfer, code);
    }
}

struct glance *glance_new(struct loop *loop)
{
    struct glance *glance = calloc(1, sizeof *glance);
    if (!glance)
        return NULL;
    glance->loop = loop;
    glance->timer.fire = timer_fired;
    glance->reap.run = reap;
    glance->set_late.run = set_late;
    glance->multi = curl_multi_init();
    if (!glance->multi) {
        free(glance);
        return NULL;
    }
    curl_multi_setopt(glance->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(glance->multi, CURLMOPT_SOCKETDATA, glance);
    curl_multi_setopt(glance->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(glance->multi, CURLMOPT_TIMERDATA, glance);
    curl_multi_setopt(glance->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return glance;
}

void glance_free(struct glance *glance)
{
    if (!glance)
        return;
    for (size_t i = 0; i < glance->pooled; i++)
        curl_easy_cleanup(glance->pool[i]);
    curl_multi_cleanup(glance->multi);
    timer_cancel(glance->loop, &glance->timer);
    task_cancel(glance->loop, &glance->reap);
    task_cancel(glance->loop, &glance->set_late);
    free(glance);
}

CURL *glance_take_handle(struct glance *glance)
{
    return glance->pooled ? glance->pool[--glance->pooled] : curl_easy_init();
}

void glance_give_handle(struct glance *glance, CURL *easy)
{
    if (easy && glance->pooled < POOLED_HANDLES) {
        curl_easy_reset(easy);
        glance->pool[glance->pooled++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}
