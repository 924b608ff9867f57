/* SPDX-License-Identifier: Apache-2.0 */
/* PUT to Glance: the body, judged, piece by piece. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <stdio.h>
#include <stdlib.h>

static ssize_t took(struct exchange *x, ssize_t count)
{
    if (count == STREAM_LOST)
        x->client_lost = true;
    if (count == STREAM_REFUSED)
        return STREAM_LOST;
    if (count > 0) {
        atomic_fetch_add_explicit(&x->record->bytes, (uint64_t)count, memory_order_relaxed);
        metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
        x->given_at = clock_ms();
    }
    return count;
}

/* The bytes go from the client into the buffer they are sent from, and are judged there. */
static ssize_t pull(void *owner, void *into, size_t room)
{
    struct exchange *x = owner;
    size_t now = await_glance_room(x, room);
    return now ? took(x, body_read(x->body, into, now)) : STREAM_WAIT;
}

static ssize_t move(void *owner, int pipe, size_t room)
{
    struct exchange *x = owner;
    size_t now = await_glance_room(x, room);
    return now ? took(x, body_splice(x->body, pipe, now)) : STREAM_WAIT;
}

static const struct upstream_callbacks SEND = {
    .head = glance_head,
    .continued = await_glance_continued,
    .data = glance_collect,
    .pull = pull,
    .move = move,
    .done = glance_over,
};

static bool start(struct exchange *x)
{
    struct headers fields = {0};
    char *target = route_canonical(&x->request.route, &x->request.target);
    struct upstream_request request = {.method = "PUT", .target = target, .headers = &fields};
    request.framing = body_length(x->body, &request.length) ? FRAMING_LENGTH : FRAMING_CHUNKED;
    if (client_framing(x->client)->framing == FRAMING_NONE)
        request.framing = FRAMING_NONE;
    await_glance_begin(x);
    request.expect = !x->begun;
    x->send_begun = target && headers_for_upload(x, &fields) && glance_ask(x, &request, &SEND);
    headers_free(&fields);
    free(target);
    return x->send_begun;
}

/* Glance may refuse in the middle of a body; an answer that the image is stored is believed only
 * once every byte was handed over. */
static bool is_too_early(const struct exchange *x)
{
    return glance_has_answered(x) && x->glance.answer.status / 100 == 2 && !body_finished(x->body);
}

static enum step_result refuse_early(struct exchange *x)
{
    await_glance_end(x);
    transfer_abort(x->glance.transfer);
    x->glance.transfer = NULL;
    snprintf(x->failure_detail, sizeof x->failure_detail,
             "it answered %u before it had the whole image", x->glance.answer.status);
    x->failure = REFUSAL_GLANCE_FAILED;
    return STEP_NEXT;
}

enum step_result upload_refuse_body(struct exchange *x)
{
    const char *detail;
    enum refusal reason = body_refusal(x->body, &detail);
    return detail[0] ? exchange_refuse_for(x, reason, "%s", detail) : exchange_refuse(x, reason);
}

enum step_result upload_drop_client(struct exchange *x)
{
    exchange_mark_aborted(x);
    client_drop(x->client);
    return STEP_END;
}

static enum refusal failure_of(const struct exchange *x)
{
    if (x->glance.result == TRANSFER_NO_MEMORY || x->glance.fault == ANSWER_LOST)
        return REFUSAL_OUT_OF_MEMORY;
    return x->glance.result == TRANSFER_STALLED ? REFUSAL_GLANCE_TIMEOUT : REFUSAL_GLANCE_FAILED;
}

enum step_result upload_send(struct exchange *x)
{
    const char *detail;
    if (x->entering)
        return start(x) ? STEP_WAIT : exchange_no_memory(x);
    if (glance_has_answered(x))
        x->record->glance_status = x->glance.answer.status;
    if (is_too_early(x))
        return refuse_early(x);
    if (!x->glance.over) {
        await_glance_step(x);
        return STEP_WAIT;
    }
    await_glance_end(x);
    upload_note(x);
    if (body_refusal(x->body, &detail))
        return upload_refuse_body(x);
    if (x->client_lost)
        return upload_drop_client(x);
    if (x->glance.result == TRANSFER_ANSWERED && x->glance.fault == ANSWER_WHOLE)
        return STEP_NEXT;
    if (x->glance.result == TRANSFER_UNREACHABLE)
        return glance_refuse(x, x->glance.result, x->glance.fault);
    x->failure = failure_of(x);
    if (x->glance.fault == ANSWER_TOO_LONG)
        snprintf(x->failure_detail, sizeof x->failure_detail, "its answer is too long");
    return STEP_NEXT;
}
