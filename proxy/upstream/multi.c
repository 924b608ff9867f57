/* SPDX-License-Identifier: Apache-2.0 */
/* Runs libcurl's multi handle in the worker's loop: its sockets are watches (sockets.c), its timer
 * is a timer, and its messages are read in a task, never from within libcurl.
 *
 * If a callback of libcurl failed, libcurl would end the multi handle with all its transfers. So
 * none fails: without memory one transfer ends, or the timer is set later. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"

#include <stdlib.h>

enum { KEPT_CONNECTIONS = 512 };

static void set_timer(struct glance *glance)
{
    uint64_t now = clock_ms();
    uint64_t left = glance->timer_due > now ? glance->timer_due - now : 0;
    if (!timer_set(glance->loop, &glance->timer, left))
        task_post(glance->loop, &glance->timer_retry);
}

static void timer_retry(struct task *task)
{
    set_timer(CONTAINER_OF(task, struct glance, timer_retry));
}

static int timer_changed(CURLM *multi, long ms, void *context)
{
    (void)multi;
    struct glance *glance = context;
    task_cancel(glance->loop, &glance->timer_retry);
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
    struct glance *glance = CONTAINER_OF(timer, struct glance, timer);
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
    struct glance *glance = CONTAINER_OF(task, struct glance, reap);
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
    glance->pipe = NO_PIPE;
    glance->timer.fire = timer_fired;
    glance->reap.run = reap;
    glance->timer_retry.run = timer_retry;
    if (!idle_prepare(glance)) {
        free(glance);
        return NULL;
    }
    glance->multi = curl_multi_init();
    if (!glance->multi) {
        idle_end(glance);
        free(glance);
        return NULL;
    }
    curl_multi_setopt(glance->multi, CURLMOPT_SOCKETFUNCTION, sockets_changed);
    curl_multi_setopt(glance->multi, CURLMOPT_SOCKETDATA, glance);
    curl_multi_setopt(glance->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(glance->multi, CURLMOPT_TIMERDATA, glance);
    curl_multi_setopt(glance->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return glance;
}

void glance_share_endpoints(struct glance *glance, struct endpoints *endpoints)
{
    glance->endpoints = endpoints;
}

void glance_free(struct glance *glance)
{
    if (!glance)
        return;
    for (size_t i = 0; i < glance->pooled; i++)
        curl_easy_cleanup(glance->pool[i]);
    curl_multi_cleanup(glance->multi);
    idle_end(glance);
    free(glance->sockets); /* the table is empty: curl_multi_cleanup() has closed them */
    free(glance->scratch);
    pipe_close(&glance->pipe);
    timer_cancel(glance->loop, &glance->timer);
    task_cancel(glance->loop, &glance->reap);
    task_cancel(glance->loop, &glance->timer_retry);
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
