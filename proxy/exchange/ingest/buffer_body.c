/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers the JSON body of a request while it is checked. Glance gets it byte for byte afterwards.
 *
 * A body that is longer than any honest one is refused, and so is one that takes too long. What a
 * worker buffers for all of its clients is limited (buffer_shares.c), so nobody may fill that space
 * anonymously. A body that needs more than a little waits until Glance has shown the image to the
 * caller's token. If Glance answers 401, 403 or 404 instead, that is the client's answer.
 *
 * In audit mode a body that is too long is not checked but goes on: first what is buffered of it,
 * then the rest as it comes from the client. */
#include "exchange/ingest/ingest_steps.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <string.h>

enum { READ_MAX = 16 * 1024 };

static enum step_result report_length(struct ingest_flow *ingest)
{
    ingest->body.unchecked = true;
    return ingest_report(&ingest->relay.x, REFUSAL_JSON_TOO_LONG, "it may have 256 KiB");
}

static enum step_result keep(struct ingest_flow *ingest, const char *bytes, size_t count)
{
    struct json_body *body = &ingest->body;
    struct exchange *x = &ingest->relay.x;
    if (!buffer_append(&body->text, bytes, count))
        return exchange_no_memory(x);
    buffer_share_add(&x->parts->holders, &body->share, count);
    return body->text.len > INGEST_BODY_MAX ? report_length(ingest) : STEP_NEXT;
}

/* --- does Glance know the client? ---------------------------------------------------------- */

static enum step_result refuse_for_space(struct exchange *x)
{
    return exchange_refuse_for(x, REFUSAL_TOO_MANY_CONNECTIONS,
                               "too many of them are sending JSON now");
}

static enum step_result ask_for_client(struct ingest_flow *ingest)
{
    struct exchange *x = &ingest->relay.x;
    struct image_check *check = &ingest->check;
    if (ingest->body.share.holder)
        return refuse_for_space(x);
    return image_check_begin(x, check) && image_check_ask_image(x, check, FETCH_TIMEOUT_MS)
               ? STEP_WAIT
               : exchange_no_memory(x);
}

/* The image is asked for again before the policy is, so this answer is not kept. */
static enum step_result take_answer(struct ingest_flow *ingest)
{
    struct exchange *x = &ingest->relay.x;
    if (!ingest->check.image_question.over)
        return STEP_WAIT;
    enum step_result result = image_check_take_image(x, &ingest->check);
    image_free(&ingest->check.image);
    if (result != STEP_NEXT)
        return result;
    switch (
        buffer_share_vouch(&x->parts->holders, &ingest->body.share, x->request.origin.address)) {
    case BUFFER_SHARE_KNOWN:
        return STEP_NEXT;
    case BUFFER_SHARE_FULL:
        return refuse_for_space(x);
    default:
        return exchange_no_memory(x);
    }
}

/* --- the bytes ----------------------------------------------------------------------------- */

/* STEP_NEXT: the body has ended, or is too long to be checked. */
static enum step_result read_body(struct ingest_flow *ingest)
{
    char bytes[READ_MAX];
    struct exchange *x = &ingest->relay.x;
    struct json_body *body = &ingest->body;
    enum step_result result = STEP_NEXT;
    while (result == STEP_NEXT && !body->unchecked) {
        size_t room = buffer_share_room(&x->parts->holders, &body->share);
        if (room == 0)
            return ask_for_client(ingest);
        ssize_t count = client_read(x->client, bytes, room < sizeof bytes ? room : sizeof bytes);
        if (count == STREAM_END)
            return STEP_NEXT;
        if (count == STREAM_WAIT)
            return STEP_WAIT;
        if (count == STREAM_LOST)
            return exchange_drop_client(x);
        result = keep(ingest, bytes, (size_t)count);
    }
    return result;
}

static uint64_t timeout(const struct exchange *x)
{
    return x->snapshot->settings->listen.stall_timeout;
}

static enum step_result begin(struct ingest_flow *ingest)
{
    struct exchange *x = &ingest->relay.x;
    buffer_init(&ingest->body.text, INGEST_BODY_MAX + READ_MAX);
    if (client_framing(x->client)->length > INGEST_BODY_MAX) {
        enum step_result result = report_length(ingest);
        if (result != STEP_NEXT)
            return result;
    }
    exchange_wait_at_most(x, timeout(x));
    if (x->step_timer_fired)
        return exchange_no_memory(x);
    client_invite(x->client);
    return STEP_WAIT;
}

/* The whole body must come within one timeout: others wait for the space. */
enum step_result buffer_body(struct exchange *x)
{
    struct ingest_flow *ingest = ingest_of(x);
    if (x->entering)
        return begin(ingest);
    if (x->step_timer_fired)
        return exchange_refuse_for(x, REFUSAL_CLIENT_STALLED,
                                   "all of its JSON must come within %g s",
                                   (double)timeout(x) / 1000);
    enum step_result result = ingest->check.image_question.begun ? take_answer(ingest) : STEP_NEXT;
    if (result == STEP_NEXT)
        result = x->body_readable ? read_body(ingest) : STEP_WAIT;
    if (result == STEP_NEXT)
        timer_cancel(x->parts->loop, &x->step_timer);
    return result;
}

size_t buffer_body_read(struct exchange *x, void *into, size_t room)
{
    struct json_body *body = &ingest_of(x)->body;
    size_t left = body->text.len - body->sent;
    size_t count = left < room ? left : room;
    if (count)
        memcpy(into, body->text.data + body->sent, count);
    body->sent += count;
    return count;
}

void buffer_body_free(struct exchange_parts *parts, struct json_body *body)
{
    buffer_free(&body->text);
    buffer_share_end(&parts->holders, &body->share);
}
