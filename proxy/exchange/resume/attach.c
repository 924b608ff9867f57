/* SPDX-License-Identifier: Apache-2.0 */
/* Passes the bytes of a client to the upload that it goes on with, and the outcome back.
 *
 * The upload takes them from the other socket of a pair (resumption.h). If it is slower, the socket
 * is full, and the client waits. It closes its socket when there is an outcome. */
#include "exchange/resume/resume_steps.h"

#include "exchange/core/resume_fields.h"
#include "intake/client.h"
#include "intake/record.h"
#include "intake/resumption.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <unistd.h>

/* Blocks per turn of the loop, so that other clients get their turn. */
enum { BLOCKS_PER_TURN = 4 };

/* --- the client's bytes ------------------------------------------------------------------- */

/* False: the socket is full, or closed. */
static bool write_out(struct bridge *bridge)
{
    while (bridge->start < bridge->end) {
        ssize_t count =
            net_write(&bridge->socket, bridge->bytes + bridge->start, bridge->end - bridge->start);
        if (count <= 0)
            return false;
        bridge->start += (size_t)count;
    }
    return true;
}

enum pumped { PUMP_MORE, PUMP_WAITS, PUMP_CLIENT_LOST };

static enum pumped read_in(struct exchange *x, struct bridge *bridge)
{
    ssize_t got = client_read(x->client, bridge->bytes, BRIDGE_SIZE);
    bridge->start = 0;
    bridge->end = got > 0 ? (size_t)got : 0;
    if (got == STREAM_LOST)
        return PUMP_CLIENT_LOST;
    return got > 0 ? PUMP_MORE : PUMP_WAITS;
}

/* What is still in the socket reaches the upload before the end of file. */
static void client_is_lost(struct exchange *x, struct bridge *bridge)
{
    bridge_end(x, bridge);
    x->client_lost = true;
}

static void pump(struct exchange *x)
{
    struct bridge *bridge = &resume_of(x)->bridge;
    enum pumped pumped = PUMP_MORE;
    bool full = false;
    if (bridge->watch.fd < 0 || bridge->over)
        return;
    for (int block = 0; block < BLOCKS_PER_TURN && pumped == PUMP_MORE && !full; block++) {
        full = !write_out(bridge);
        if (!full)
            pumped = read_in(x, bridge);
    }
    if (pumped == PUMP_CLIENT_LOST) {
        client_is_lost(x, bridge);
        exchange_wake(x);
        return;
    }
    bool writes = bridge->start < bridge->end;
    watch_set(x->parts->loop, &bridge->watch, LOOP_READ | (writes ? LOOP_WRITE : 0U));
}

bool resume_take_more(struct exchange *x)
{
    if (!x->step || x->step->run != resume_attach || !resume_of(x)->bridge.resumption)
        return false;
    pump(x);
    return !x->client_lost;
}

static void ready(struct watch *watch, unsigned events)
{
    struct resume_flow *resume = CONTAINER_OF(watch, struct resume_flow, bridge.watch);
    if (events & (LOOP_READ | LOOP_ERROR)) {
        resume->bridge.over = true; /* the upload never sends anything but its end */
        watch_set(resume->x.parts->loop, watch, 0);
        exchange_wake(&resume->x);
        return;
    }
    pump(&resume->x);
}

void bridge_end(struct exchange *x, struct bridge *bridge)
{
    if (!bridge->resumption || bridge->watch.fd < 0)
        return;
    watch_set(x->parts->loop, &bridge->watch, 0);
    close(bridge->watch.fd);
    bridge->watch.fd = -1;
    free(bridge->bytes);
    bridge->bytes = NULL;
}

/* --- the beginning -------------------------------------------------------------------------- */

static bool open_bridge(struct resume_flow *resume)
{
    struct bridge *bridge = &resume->bridge;
    int fd = -1;
    bridge->bytes = malloc(BRIDGE_SIZE);
    if (!bridge->bytes)
        return false;
    bridge->resumption = resumption_new(resume->first, resume->count, &resume->check.fields, &fd);
    if (!bridge->resumption) {
        free(bridge->bytes);
        bridge->bytes = NULL;
        return false;
    }
    bridge->socket = net_socket_plain(fd);
    bridge->watch.fd = fd;
    bridge->watch.ready = ready;
    return true;
}

static enum step_result begin(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    if (!open_bridge(resume))
        return exchange_no_memory(x);
    if (!held_uploads_offer(x->parts->held_uploads, resume->check.image.id,
                            resume->bridge.resumption))
        return resume_refuse_at(resume, REFUSAL_UPLOAD_MOVING, resume->held.offset,
                                "another connection is about to go on with it");
    client_invite(x->client);
    pump(x);
    return STEP_WAIT;
}

/* The client learns the outcome, and one that is lost in the middle of its body learns nothing. */
enum step_result resume_attach(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    if (x->entering)
        return begin(resume);
    if (x->client_lost)
        return exchange_drop_client(x);
    if (resume->bridge.over)
        return STEP_NEXT;
    pump(x);
    return STEP_WAIT;
}

/* --- the outcome ------------------------------------------------------------------------------ */

/* The answer to the whole upload, with what the protocol wants in it. */
static enum step_result pass_reply(struct resume_flow *resume, struct resumption_outcome *outcome)
{
    struct exchange *x = &resume->x;
    struct headers *headers = &outcome->reply.headers;
    bool tus = resume->dialect == RESUME_BY_TUS;
    bool stored = outcome->reply.status / 100 == 2;
    bool good =
        resume_add_dialect(resume->dialect, REFUSAL_NONE, headers) &&
        (!tus || !stored || resume_add_number(headers, "Upload-Offset", outcome->offset)) &&
        (resume->dialect != RESUME_BY_DRAFT || headers_add(headers, "Upload-Complete", "?1")) &&
        (headers_get(headers, "Access-Control-Allow-Origin") ||
         cors_copy(&resume->check.cors, headers)) &&
        resume_expose(headers);
    if (!good) {
        reply_free(&outcome->reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &outcome->reply);
    return STEP_END;
}

/* The upload goes on, or could: the answer is not about the image. */
static bool is_about_the_place(enum refusal reason)
{
    return reason == REFUSAL_OFFSET_MISMATCH || reason == REFUSAL_UPLOAD_MOVING ||
           reason == REFUSAL_CLIENT_STALLED;
}

enum step_result resume_finish(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    struct resumption_outcome outcome;
    resumption_outcome(resume->bridge.resumption, &outcome);
    switch (outcome.result) {
    case RESUMPTION_REPLY:
        return pass_reply(resume, &outcome);
    case RESUMPTION_PART:
        return resume_tell_part(resume, outcome.offset);
    case RESUMPTION_REFUSED:
        resume->complete = !is_about_the_place(outcome.reason);
        return resume_refuse_at(resume, outcome.reason, outcome.offset, outcome.detail);
    default:
        return resume_refuse_at(resume, REFUSAL_OFFSET_MISMATCH, 0, "the upload has ended");
    }
}
