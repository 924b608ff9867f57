/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the checked body to Glance, block by block. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/stream.h"

#include <stdio.h>
#include <stdlib.h>

static ssize_t count_sent(struct upload_flow *upload, ssize_t count)
{
    struct exchange *x = &upload->x;
    if (count == STREAM_LOST)
        x->client_lost = true;
    if (count == STREAM_REFUSED)
        return STREAM_LOST;
    if (count > 0) {
        atomic_fetch_add_explicit(&x->record->bytes, (uint64_t)count, memory_order_relaxed);
        metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
        upload->send.last_sent_ms = clock_ms();
    }
    return count;
}

/* The body is read into the buffer that it is sent from, and checked there. */
static ssize_t pull(void *owner, void *into, size_t room)
{
    struct upload_flow *upload = upload_of(owner);
    size_t now = await_glance_room(upload, room);
    return now ? count_sent(upload, body_read(upload->body, into, now)) : STREAM_WAIT;
}

static ssize_t move(void *owner, int pipe, size_t room)
{
    struct upload_flow *upload = upload_of(owner);
    size_t now = await_glance_room(upload, room);
    return now ? count_sent(upload, body_splice(upload->body, pipe, now)) : STREAM_WAIT;
}

static const struct upstream_callbacks SEND = {
    .head = glance_head,
    .continued = await_glance_continued,
    .data = glance_collect,
    .pull = pull,
    .move = move,
    .done = glance_over,
};

static void record_fixes(struct upload_flow *upload)
{
    struct request_record *record = upload->x.record;
    record->fixes = upload_fixes(upload);
    if (audit_only(&upload->x))
        record->audit_fixes = upload_audit_fixes(upload) & ~record->fixes;
}

static bool ask_glance(struct upload_flow *upload, const char *target)
{
    struct exchange *x = &upload->x;
    struct headers fields = {0};
    struct upstream_request request = {.method = "PUT", .target = target, .headers = &fields};
    request.framing = body_length(upload->body, &request.length) ? FRAMING_LENGTH : FRAMING_CHUNKED;
    if (upload_framing(upload) == FRAMING_NONE)
        request.framing = FRAMING_NONE;
    request.stay = upload->queue.limited;
    request.expect = upload->send.phase == SEND_FIRST_BYTES;
    bool good = upload_headers(upload, &fields);
    upload->send.as_octets = upload_sends_octets(&fields);
    good = good && glance_ask(x, &request, &SEND);
    headers_free(&fields);
    return good;
}

static bool start(struct upload_flow *upload)
{
    const struct request_facts *request = &upload->x.request;
    char *target = route_canonical(&request->route, &request->target);
    record_fixes(upload);
    upload->x.record->attempts = upload->outcome.resent ? 2 : 1;
    await_glance_begin(upload);
    bool started = target && ask_glance(upload, target);
    if (!started)
        upload->send.phase = SEND_NOT_BEGUN;
    free(target);
    return started;
}

/* Glance may refuse an upload in the middle of the body. A 2xx before the whole body was sent is a
 * failure. */
static bool is_too_early(const struct upload_flow *upload)
{
    return upload->x.glance.answer.status / 100 == 2 && !body_finished(upload->body);
}

static enum step_result refuse_early(struct upload_flow *upload)
{
    struct conversation *glance = &upload->x.glance;
    await_glance_end(upload);
    transfer_abort(glance->transfer);
    glance->transfer = NULL;
    upload_give_place_back(upload);
    snprintf(upload->outcome.detail, sizeof upload->outcome.detail,
             "it answered %u before it had the whole image", glance->answer.status);
    upload->outcome.failure = REFUSAL_GLANCE_FAILED;
    return STEP_NEXT;
}

static enum refusal failure_of(const struct conversation *glance)
{
    if (glance->result == TRANSFER_NO_MEMORY || glance->fault == ANSWER_LOST)
        return REFUSAL_OUT_OF_MEMORY;
    return glance->result == TRANSFER_STALLED ? REFUSAL_GLANCE_TIMEOUT : REFUSAL_GLANCE_FAILED;
}

/* There is no answer of Glance's, or none that could be kept. */
static enum step_result fail(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct outcome *outcome = &upload->outcome;
    if (x->glance.result == TRANSFER_UNREACHABLE && upload_may_go_elsewhere(upload))
        return upload_queue_again(upload);
    if (x->glance.result == TRANSFER_UNREACHABLE)
        return glance_refuse(x, x->glance.result, x->glance.fault);
    outcome->failure = failure_of(&x->glance);
    if (x->glance.fault == ANSWER_TOO_LONG)
        snprintf(outcome->detail, sizeof outcome->detail, "its answer is too long");
    return STEP_NEXT;
}

/* The transfer is over. */
static enum step_result finish(struct upload_flow *upload)
{
    const struct conversation *glance = &upload->x.glance;
    const char *detail;
    await_glance_end(upload);
    upload_give_place_back(upload);
    upload_note(upload);
    if (body_refusal(upload->body, &detail))
        return upload_refuse_body(upload);
    if (upload->x.refused.reason) /* its file cannot be read */
        return STEP_REFUSE;
    if (upload->x.client_lost)
        return exchange_drop_client(&upload->x);
    bool answered = glance->result == TRANSFER_ANSWERED && glance->fault == ANSWER_WHOLE;
    return answered ? STEP_NEXT : fail(upload);
}

enum step_result upload_send(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering) {
        upload_hold_prepare(upload);
        return start(upload) ? STEP_WAIT : exchange_no_memory(x);
    }
    if (glance_has_answered(x))
        x->record->glance_status = x->glance.answer.status;
    if (is_too_early(upload))
        return refuse_early(upload);
    if (x->glance.over)
        return finish(upload);
    await_glance_step(upload);
    return STEP_WAIT;
}
