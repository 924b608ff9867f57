/* SPDX-License-Identifier: Apache-2.0 */
/* A small body is kept whole while it is judged, and given to Glance byte for byte afterwards.
 *
 * A body that is longer than any honest one is refused, and so is one that takes too long. What a
 * worker holds for all of its clients is limited, too (buffer_shares.c), so nobody may fill that
 * room without being known: a body that needs more than a little waits until Glance has shown the
 * image to the caller's token. What Glance answers instead (401, 403, 404) is the client's answer.
 *
 * Where the policy only watches, a body that is too long is not judged but goes on: what is held of
 * it first, then the rest as it comes from the client. */
#include "exchange/ingest/ingest_steps.h"
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <string.h>

enum { PIECE_MAX = 16 * 1024 };

static enum step_result report_length(struct exchange *x)
{
    x->unread = true;
    return ingest_report(x, REFUSAL_JSON_TOO_LONG, "it may have 256 KiB");
}

static bool is_announced_too_long(const struct exchange *x)
{
    return client_framing(x->client)->length > INGEST_BODY_MAX;
}

static enum step_result keep(struct exchange *x, const char *bytes, size_t count)
{
    if (!buffer_append(&x->held, bytes, count))
        return exchange_no_memory(x);
    buffer_share_add(&x->parts->holders, &x->share, count);
    return x->held.len > INGEST_BODY_MAX ? report_length(x) : STEP_NEXT;
}

/* --- who is it? ---------------------------------------------------------------------------- */

static enum step_result refuse_for_room(struct exchange *x)
{
    return exchange_refuse_for(x, REFUSAL_TOO_MANY_CONNECTIONS,
                               "too many of them are sending JSON at this moment");
}

static enum step_result ask_who_it_is(struct exchange *x)
{
    if (x->share.holder)
        return refuse_for_room(x);
    headers_free(&x->ask_fields);
    return headers_for_preflight(x, &x->ask_fields) && upload_ask_image(x, FETCH_TIMEOUT_MS)
               ? STEP_WAIT
               : exchange_no_memory(x);
}

static enum step_result hear_who_it_is(struct exchange *x)
{
    if (!x->image_asked.over)
        return STEP_WAIT;
    enum step_result result = upload_take_image(x);
    headers_free(&x->ask_fields);
    image_free(&x->image);
    if (result != STEP_NEXT)
        return result;
    switch (buffer_share_vouch(&x->parts->holders, &x->share, x->request.origin.address)) {
    case BUFFER_SHARE_KNOWN:
        return STEP_NEXT;
    case BUFFER_SHARE_FULL:
        return refuse_for_room(x);
    default:
        return exchange_no_memory(x);
    }
}

/* --- the bytes ----------------------------------------------------------------------------- */

/* Ends with STEP_NEXT at the end of the body, or once it is known not to be judged. */
static enum step_result take(struct exchange *x)
{
    char piece[PIECE_MAX];
    enum step_result result = STEP_NEXT;
    while (result == STEP_NEXT && !x->unread) {
        size_t room = buffer_share_room(&x->parts->holders, &x->share);
        if (room == 0)
            return ask_who_it_is(x);
        ssize_t count = client_read(x->client, piece, room < sizeof piece ? room : sizeof piece);
        if (count == STREAM_END)
            return STEP_NEXT;
        if (count == STREAM_WAIT)
            return STEP_WAIT;
        if (count == STREAM_LOST)
            return upload_drop_client(x);
        result = keep(x, piece, (size_t)count);
    }
    return result;
}

static uint64_t timeout(const struct exchange *x)
{
    return x->snapshot->settings->listen.stall_timeout;
}

static enum step_result begin(struct exchange *x)
{
    buffer_init(&x->held, INGEST_BODY_MAX + PIECE_MAX);
    enum step_result result = is_announced_too_long(x) ? report_length(x) : STEP_NEXT;
    if (result != STEP_NEXT)
        return result;
    exchange_wait_at_most(x, timeout(x));
    if (x->step_timer_fired)
        return exchange_no_memory(x);
    client_invite(x->client);
    return STEP_WAIT;
}

/* Room that others wait for is not held by a byte now and then. */
enum step_result buffer_body(struct exchange *x)
{
    if (x->entering)
        return begin(x);
    if (x->step_timer_fired)
        return exchange_refuse_for(x, REFUSAL_CLIENT_STALLED,
                                   "all of its JSON was to come within %g s",
                                   (double)timeout(x) / 1000);
    enum step_result result = x->image_asked.begun ? hear_who_it_is(x) : STEP_NEXT;
    if (result == STEP_NEXT)
        result = x->body_readable ? take(x) : STEP_WAIT;
    if (result == STEP_NEXT)
        timer_cancel(x->parts->loop, &x->step_timer);
    return result;
}

size_t buffer_body_read(struct exchange *x, void *into, size_t room)
{
    size_t left = x->held.len - x->held_given;
    size_t count = left < room ? left : room;
    if (count)
        memcpy(into, x->held.data + x->held_given, count);
    x->held_given += count;
    return count;
}

void buffer_body_end(struct exchange *x)
{
    buffer_free(&x->held);
    buffer_share_end(&x->parts->holders, &x->share);
}
