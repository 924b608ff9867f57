/* SPDX-License-Identifier: Apache-2.0 */
/* A small body is kept whole while it is judged, and given to Glance byte for byte afterwards.
 *
 * What is longer than any honest one is refused, or takes longer; and what a worker's exchanges
 * hold together has a maximum, too. Where the policy only watches, a body that is too long is not
 * judged but goes on: what is held of it first, then the rest as it comes from the client. */
#include "exchange/exchange_priv.h"

#include "intake/client.h"
#include "intake/doors.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <string.h>

enum { PIECE_MAX = 16 * 1024, HELD_MAX = 16 * 1024 * 1024 };

static enum step_result object_to_length(struct exchange *x)
{
    x->unread = true;
    return door_object(x, REFUSAL_JSON_TOO_LONG, "it may have 256 KiB");
}

static bool is_announced_too_long(const struct exchange *x)
{
    return client_framing(x->client)->length > DOORS_BODY_MAX;
}

static enum step_result keep(struct exchange *x, const char *bytes, size_t count)
{
    if (x->parts->held + count > HELD_MAX)
        return exchange_refuse_for(x, REFUSAL_TOO_MANY_CONNECTIONS,
                                   "too many of them are sending JSON at this moment");
    if (!buffer_append(&x->held, bytes, count))
        return exchange_no_memory(x);
    x->parts->held += count;
    x->held_counted += count;
    return x->held.len > DOORS_BODY_MAX ? object_to_length(x) : STEP_NEXT;
}

/* Ends with STEP_NEXT at the end of the body, or once it is known not to be judged. */
static enum step_result take(struct exchange *x)
{
    char piece[PIECE_MAX];
    enum step_result result = STEP_NEXT;
    while (result == STEP_NEXT && !x->unread) {
        ssize_t count = client_read(x->client, piece, sizeof piece);
        if (count == CLIENT_END)
            return STEP_NEXT;
        if (count == CLIENT_WAIT)
            return STEP_WAIT;
        if (count == CLIENT_LOST)
            return upload_drop_client(x);
        result = keep(x, piece, (size_t)count);
    }
    return result;
}

static uint64_t patience(const struct exchange *x)
{
    return x->snapshot->settings->listen.stall_timeout;
}

static enum step_result begin(struct exchange *x)
{
    buffer_init(&x->held, DOORS_BODY_MAX + PIECE_MAX);
    enum step_result result = is_announced_too_long(x) ? object_to_length(x) : STEP_NEXT;
    if (result != STEP_NEXT)
        return result;
    exchange_wait_at_most(x, patience(x));
    if (x->moment_over)
        return exchange_no_memory(x);
    client_invite(x->client);
    return STEP_WAIT;
}

/* Room that others wait for is not held by a byte now and then. */
enum step_result hold_body(struct exchange *x)
{
    if (x->fresh)
        return begin(x);
    if (x->moment_over)
        return exchange_refuse_for(x, REFUSAL_CLIENT_STALLED,
                                   "all of its JSON was to come within %g s",
                                   (double)patience(x) / 1000);
    enum step_result result = x->readable ? take(x) : STEP_WAIT;
    if (result == STEP_NEXT)
        timer_cancel(x->parts->loop, &x->moment);
    return result;
}

size_t hold_give(struct exchange *x, void *into, size_t room)
{
    size_t left = x->held.len - x->held_given;
    size_t count = left < room ? left : room;
    if (count)
        memcpy(into, x->held.data + x->held_given, count);
    x->held_given += count;
    return count;
}

void hold_end(struct exchange *x)
{
    buffer_free(&x->held);
    x->parts->held -= x->held_counted;
    x->held_counted = 0;
}
