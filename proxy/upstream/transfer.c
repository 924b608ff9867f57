/* SPDX-License-Identifier: Apache-2.0 */
/* One request to Glance: start, pause and continue, the next endpoint if one cannot be connected
 * to, and the end. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/secret.h"
#include "intake/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENDS_PER_CALL = 8 };

void transfer_has_socket(struct transfer *transfer, curl_socket_t socket)
{
    transfer->connection.fd = socket;
}

/* libcurl removes a socket when there is nothing more to read from it. If sending is paused,
 * libcurl then does not report that Glance has closed, and would wait for ever. A socket other than
 * the latest one has lost a race between two addresses of an endpoint. */
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket)
{
    if (socket != transfer->connection.fd)
        return;
    transfer->connection.fd = CURL_SOCKET_BAD;
    if (transfer->send_paused && !transfer->head_told)
        task_post(transfer->glance->loop, &transfer->closed);
}

void transfer_lacks_memory(struct transfer *transfer)
{
    task_post(transfer->glance->loop, &transfer->memory_short);
}

/* --- pause and continue ---------------------------------------------------------------- */

static void apply_pauses(struct transfer *transfer)
{
    int pauses = (transfer->send_paused && !transfer->raw_request.used ? CURLPAUSE_SEND : 0) |
                 (transfer->read_paused ? CURLPAUSE_RECV : 0);
    curl_easy_pause(transfer->easy, pauses);
}

static void unpause(struct task *task)
{
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(task, struct transfer, unpause, OBJECT_TRANSFER);
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
    if (transfer->raw_request.used) {
        raw_request_write(transfer);
        return;
    }
    apply_pauses(transfer);
    /* Each call makes libcurl fill and send one buffer. So this repeats while bytes are sent. */
    for (int round = 0; round < SENDS_PER_CALL && !transfer->send_paused; round++) {
        uint64_t before = transfer->sent;
        if (transfer->connection.fd == CURL_SOCKET_BAD)
            glance_drive(transfer->glance, CURL_SOCKET_TIMEOUT, 0);
        else
            glance_drive(transfer->glance, transfer->connection.fd,
                         CURL_CSELECT_IN | CURL_CSELECT_OUT);
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
    task_cancel(transfer->glance->loop, &transfer->memory_short);
    task_cancel(transfer->glance->loop, &transfer->closed);
    raw_request_end(transfer);
    reserve_end(&transfer->reserve);
    raw_reply_end(transfer);
    attempt_end_flow(transfer);
}

static void release(struct transfer *transfer)
{
    struct glance *glance = transfer->glance;
    stop_waiting(transfer);
    if (transfer->has_keys)
        curl_easy_cleanup(transfer->easy); /* curl_easy_reset() would keep the keys */
    else
        glance_give_handle(glance, transfer->easy);
    secret_free(transfer->fields); /* a token may be among them */
    headers_free(&transfer->answer);
    transfer->tag = OBJECT_GONE;
    free(transfer);
}

/* If libcurl closes a connection that is still being opened, it reports that only after the close,
 * when another thread may already have the same descriptor. So the socket is forgotten before. */
static void leave_libcurl(struct transfer *transfer)
{
    if (transfer->connection.fd != CURL_SOCKET_BAD)
        sockets_let_go(transfer->glance, transfer->connection.fd);
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

/* A message that libcurl may have is read first: its task runs before this one is run again. */
static void glance_closed(struct task *task)
{
    struct transfer *transfer = TAGGED_CONTAINER_OF(task, struct transfer, closed, OBJECT_TRANSFER);
    if (transfer->closed_rechecked) {
        strncpy(transfer->detail, "closed before it answered", sizeof transfer->detail - 1);
        transfer_finish(transfer, TRANSFER_FAILED);
        return;
    }
    transfer->closed_rechecked = true;
    task_post(transfer->glance->loop, task);
}

void transfer_finish_for_memory(struct transfer *transfer)
{
    snprintf(transfer->detail, sizeof transfer->detail, "no memory to go on with it");
    transfer_finish(transfer, TRANSFER_NO_MEMORY);
}

/* The transfer ends because no event would tell when there is memory again. */
static void is_short_of_memory(struct task *task)
{
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(task, struct transfer, memory_short, OBJECT_TRANSFER);
    transfer_finish_for_memory(transfer);
}

/* libcurl does not know of a raw body, and so takes any answer for the end of the exchange. A 2xx
 * before the socket has taken the whole body is a failure. */
static bool is_too_early(const struct transfer *transfer)
{
    return transfer->status / 100 == 2 && raw_request_is_short(transfer);
}

/* Glance may refuse an upload and close its connection with unread bytes of the body, which resets
 * the connection after its answer. The head that was read before the reset is taken for the
 * answer. */
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

static void retry_or_fail(struct transfer *transfer)
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
    if (!transfer->no_memory && attempt_needs_new_connection(transfer, code) &&
        attempt_on_new_connection(transfer))
        return;
    say_why(transfer, code);
    if (is_answered(transfer, code)) {
        attempt_answered(transfer);
        transfer_finish(transfer, TRANSFER_ANSWERED);
    } else if (transfer->given_up) {
        transfer_finish(transfer, TRANSFER_GIVEN_UP);
    } else {
        retry_or_fail(transfer);
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
    transfer->tag = OBJECT_TRANSFER;
    transfer->glance = glance;
    transfer->settings = settings;
    transfer->owner = owner;
    transfer->context = context;
    transfer->connection.fd = CURL_SOCKET_BAD;
    transfer->timer.fire = transfer_tick;
    transfer->unpause.run = unpause;
    transfer->memory_short.run = is_short_of_memory;
    transfer->closed.run = glance_closed;
    raw_request_prepare(transfer);
    raw_reply_prepare(transfer);
    transfer->easy = glance_take_handle(glance);
    bool good = transfer->easy && transfer_set_options(transfer, request) &&
                timeouts_begin(transfer) &&
                attempt_begin(transfer, attempt_first(transfer, request));
    if (!good) {
        release(transfer);
        return NULL;
    }
    return transfer;
}
