/* SPDX-License-Identifier: Apache-2.0 */
/* One request: begun, paused and gone on with, sent to Glance's next endpoint where the first
 * cannot be connected to, ended. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8 };

bool transfer_all_given(const struct transfer *transfer)
{
    return transfer->all_pulled;
}

void transfer_has_socket(struct transfer *transfer, curl_socket_t socket)
{
    transfer->socket = socket;
}

/* libcurl takes its socket out when there is nothing more to read from it. If it was asked to wait
 * with sending, it would then wait for ever: it does not tell that Glance has closed. A socket that
 * is not the latest lost a race between two addresses of an endpoint. */
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket)
{
    if (socket != transfer->socket)
        return;
    transfer->socket = CURL_SOCKET_BAD;
    if (transfer->send_paused && !transfer->head_told)
        task_post(transfer->glance->loop, &transfer->closed);
}

void transfer_lacks_memory(struct transfer *transfer)
{
    task_post(transfer->glance->loop, &transfer->short_of);
}

/* --- going on after a pause ------------------------------------------------------------ */

static void apply_pauses(struct transfer *transfer)
{
    int pauses = (transfer->send_paused && !transfer->raw_request ? CURLPAUSE_SEND : 0) |
                 (transfer->read_paused ? CURLPAUSE_RECV : 0);
    curl_easy_pause(transfer->easy, pauses);
}

static void unpause(struct task *task)
{
    struct transfer *transfer =
        (struct transfer *)((char *)task - offsetof(struct transfer, unpause));
    transfer->read_paused = false;
    if (transfer->head_told)
        transfer->send_paused = false;
    apply_pauses(transfer);
    glance_drive(transfer->glance, CURL_SOCKET_TIMEOUT, 0);
}

void transfer_write_on(struct transfer *transfer)
{
    if (!transfer->send_paused)
        return;
    transfer->send_paused = false;
    if (transfer->raw_request) {
        raw_request_go_on(transfer);
        return;
    }
    apply_pauses(transfer);
    /* libcurl fills and sends once a call; go on while it gets rid of what it takes. */
    for (int round = 0; round < ROUNDS && !transfer->send_paused; round++) {
        uint64_t before = transfer->sent;
        if (transfer->socket == CURL_SOCKET_BAD)
            glance_drive(transfer->glance, CURL_SOCKET_TIMEOUT, 0);
        else
            glance_drive(transfer->glance, transfer->socket, CURL_CSELECT_IN | CURL_CSELECT_OUT);
        if (transfer->sent == before)
            return;
    }
}

void transfer_read_on(struct transfer *transfer)
{
    if (transfer->read_paused)
        task_post(transfer->glance->loop, &transfer->unpause);
}

/* --- the end --------------------------------------------------------------------------- */

static void stop_waiting(struct transfer *transfer)
{
    timer_cancel(transfer->glance->loop, &transfer->timer);
    task_cancel(transfer->glance->loop, &transfer->unpause);
    task_cancel(transfer->glance->loop, &transfer->short_of);
    task_cancel(transfer->glance->loop, &transfer->closed);
    raw_request_end(transfer);
    raw_reply_end(transfer);
    attempt_flows_no_more(transfer);
}

static void release(struct transfer *transfer)
{
    struct glance *glance = transfer->glance;
    stop_waiting(transfer);
    if (transfer->next)
        transfer->next->previous = transfer->previous;
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else if (glance->all == transfer)
        glance->all = transfer->next;
    if (transfer->has_keys)
        curl_easy_cleanup(transfer->easy); /* a reset would leave them in it */
    else
        glance_give_handle(glance, transfer->easy);
    free(transfer->fields);
    headers_free(&transfer->answer);
    free(transfer);
}

/* A connection that is still being made, libcurl closes first and tells of then: its number may be
 * another thread's by that time. */
static void leave_libcurl(struct transfer *transfer)
{
    if (transfer->socket != CURL_SOCKET_BAD)
        sockets_let_go(transfer->glance, transfer->socket);
    if (transfer->easy)
        attempt_leave(transfer);
}

void transfer_abort(struct transfer *transfer)
{
    if (!transfer)
        return;
    leave_libcurl(transfer);
    release(transfer);
}

void transfer_finish(struct transfer *transfer, enum transfer_result result)
{
    leave_libcurl(transfer);
    stop_waiting(transfer);
    transfer->owner->done(transfer->context, result, transfer->detail);
    release(transfer);
}

/* If libcurl has a message after all, it is read first, in the task behind this one. */
static void glance_closed(struct task *task)
{
    struct transfer *transfer =
        (struct transfer *)((char *)task - offsetof(struct transfer, closed));
    if (transfer->closed_looked) {
        strncpy(transfer->detail, "closed before it answered", sizeof transfer->detail - 1);
        transfer_finish(transfer, TRANSFER_FAILED);
        return;
    }
    transfer->closed_looked = true;
    task_post(transfer->glance->loop, task);
}

void transfer_finish_for_memory(struct transfer *transfer)
{
    snprintf(transfer->detail, sizeof transfer->detail, "no memory to go on with it");
    transfer_finish(transfer, TRANSFER_NO_MEMORY);
}

/* Nothing would tell when it can go on. */
static void is_short_of_memory(struct task *task)
{
    struct transfer *transfer =
        (struct transfer *)((char *)task - offsetof(struct transfer, short_of));
    transfer_finish_for_memory(transfer);
}

/* libcurl, which knows nothing of a body beside it, takes any answer for the end. That all is well
 * with a body of which Glance cannot have had everything is not believed. */
static bool is_too_early(const struct transfer *transfer)
{
    return transfer->status / 100 == 2 && raw_request_is_short(transfer);
}

/* Glance may refuse an upload and close with unread bytes of it, which resets the connection behind
 * its answer. What was read before that is the answer, however it was to end. */
static bool has_refused(const struct transfer *transfer)
{
    return transfer->owner->move && transfer->head_told && transfer->status >= 300;
}

static bool is_answered(const struct transfer *transfer, CURLcode code)
{
    bool whole = code == CURLE_OK && transfer->head_told && !is_too_early(transfer);
    return whole || (!transfer->given_up && has_refused(transfer));
}

static void say_why(struct transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK && is_too_early(transfer))
        strncpy(transfer->detail, "answered before it had all", sizeof transfer->detail - 1);
    if (!transfer->detail[0])
        strncpy(transfer->detail, curl_easy_strerror(code), sizeof transfer->detail - 1);
}

static void go_on_or_fail(struct transfer *transfer)
{
    bool unreachable = attempt_never_connected(transfer);
    if (!transfer->no_memory && attempt_next(transfer))
        return;
    if (transfer->no_memory)
        transfer_finish_for_memory(transfer);
    else
        transfer_finish(transfer, unreachable ? TRANSFER_UNREACHABLE : TRANSFER_FAILED);
}

void transfer_ended(struct transfer *transfer, CURLcode code)
{
    transfer->no_memory |= code == CURLE_OUT_OF_MEMORY;
    if (!transfer->no_memory && attempt_needs_fresh(transfer, code) && attempt_fresh(transfer))
        return;
    say_why(transfer, code);
    if (is_answered(transfer, code)) {
        attempt_answered(transfer);
        transfer_finish(transfer, TRANSFER_ANSWERED);
    } else if (transfer->given_up) {
        transfer_finish(transfer, TRANSFER_GIVEN_UP);
    } else {
        go_on_or_fail(transfer);
    }
}

/* --- the start ------------------------------------------------------------------------- */

struct transfer *transfer_start(struct glance *glance, const struct settings *settings,
                                const struct upstream_request *request,
                                const struct upstream_callbacks *owner, void *context)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->glance = glance;
    transfer->settings = settings;
    transfer->owner = owner;
    transfer->context = context;
    transfer->socket = CURL_SOCKET_BAD;
    transfer->timer.fire = transfer_tick;
    transfer->unpause.run = unpause;
    transfer->short_of.run = is_short_of_memory;
    transfer->closed.run = glance_closed;
    raw_request_prepare(transfer);
    raw_reply_prepare(transfer);
    transfer->easy = glance_take_handle(glance);
    bool good = transfer->easy && transfer_set_options(transfer, request) &&
                timeouts_begin(transfer) &&
                attempt_begin(transfer, attempt_first(transfer, request));
    transfer->next = glance->all;
    if (transfer->next)
        transfer->next->previous = transfer;
    glance->all = transfer;
    if (!good) {
        release(transfer);
        return NULL;
    }
    return transfer;
}
