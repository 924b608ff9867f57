/* SPDX-License-Identifier: Apache-2.0 */
/* Passes a request to Glance and the answer back.
 *
 *   invite   a request with a body: sends 100 Continue, waits for the first byte
 *   forward  sends the request, waits for the head of the answer
 *
 * The answer is streamed. It is collected instead if it has to be changed (the version documents),
 * or if the client's body is not complete when it comes. */
#include "exchange/relay/relay_steps.h"

#include "intake/client.h"
#include "intake/metrics.h"
#include "intake/rewrite.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"
#include "intake/units.h"

#include <stdlib.h>
#include <string.h>

static const struct relay_kind *kind_of(const struct exchange *x)
{
    return (const struct relay_kind *)x->kind;
}

/* Glance reads a body that is not an image into memory. An import has a limit of its own
 * (ingest/buffer_body.c). */
static bool too_long(const struct exchange *x, uint64_t length)
{
    return x->request.route.kind != ROUTE_IMPORT &&
           length > x->snapshot->settings->listen.max_request_body;
}

static enum step_result refuse_length(struct exchange *x)
{
    char most[UNITS_TEXT_MAX];
    units_print_size(x->snapshot->settings->listen.max_request_body, most);
    return exchange_refuse_for(x, REFUSAL_TOO_LARGE,
                               "the body of a request that is no upload may have %s", most);
}

enum step_result relay_send_continue(struct exchange *x)
{
    if (!request_has_body(x->client))
        return STEP_NEXT;
    if (too_long(x, client_framing(x->client)->length))
        return refuse_length(x);
    if (x->entering) {
        client_invite(x->client);
        return STEP_WAIT;
    }
    return x->body_readable ? STEP_NEXT : STEP_WAIT;
}

/* --- Glance's side --------------------------------------------------------------------- */

static bool is_json(const struct headers *headers)
{
    const char *type = headers_get(headers, "Content-Type");
    return type && strncasecmp(type, "application/json", strlen("application/json")) == 0;
}

/* The answer to a HEAD has no links, but the length of the document that has them. */
static bool has_links(const struct exchange *x, unsigned status, const struct headers *headers)
{
    return (x->request.route.kind == ROUTE_VERSIONS || status == 300) && is_json(headers) &&
           strcmp(client_head(x->client)->method, "HEAD") != 0;
}

static void on_head(void *owner, unsigned status, const struct headers *headers)
{
    struct exchange *x = owner;
    struct relay_flow *relay = relay_of(x);
    bool collect = has_links(x, status, headers) || !client_can_stream(x->client);
    relay->mode = collect ? ANSWER_COLLECT : stream_mode(relay, status, headers);
    glance_head(owner, status, headers);
    if (relay->mode == ANSWER_STREAM && !stream_open(relay, status))
        x->glance.fault = ANSWER_LOST;
}

static bool on_data(void *owner, const void *bytes, size_t count)
{
    struct relay_flow *relay = relay_of(owner);
    if (relay->mode == ANSWER_COLLECT)
        return glance_collect(owner, bytes, count);
    return stream_put(relay, bytes, count);
}

static void on_more(void *owner)
{
    struct exchange *x = owner;
    client_more(x->client);
}

static ssize_t read_body(struct exchange *x, void *into, size_t room)
{
    const struct relay_kind *kind = kind_of(x);
    size_t count = kind->read_buffered ? kind->read_buffered(x, into, room) : 0;
    return count ? (ssize_t)count : client_read(x->client, into, room);
}

static ssize_t on_pull(void *owner, void *into, size_t room)
{
    struct exchange *x = owner;
    struct relay_flow *relay = relay_of(x);
    ssize_t count = read_body(x, into, room);
    if (count == STREAM_LOST)
        x->client_lost = true;
    if (count <= 0)
        return count;
    metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
    image_created_read(relay, into, (size_t)count);
    relay->sent += (uint64_t)count;
    relay->too_long = too_long(x, relay->sent);
    return relay->too_long ? STREAM_LOST : count;
}

static void on_done(void *owner, enum transfer_result result, const char *detail)
{
    struct exchange *x = owner;
    glance_over(owner, result, detail);
    client_more(x->client);
}

static const struct upstream_callbacks RELAY = {
    .head = on_head,
    .data = on_data,
    .more = on_more,
    .pull = on_pull,
    .done = on_done,
};

static bool fields_for_glance(const struct exchange *x, struct headers *out)
{
    const struct relay_kind *kind = kind_of(x);
    return headers_for_glance(x, out) && (!kind->change_headers || kind->change_headers(x, out));
}

static struct upstream_request request_of(const struct exchange *x)
{
    const struct relay_kind *kind = kind_of(x);
    const struct framing_facts *framing = client_framing(x->client);
    struct upstream_request request = {.method = client_head(x->client)->method,
                                       .framing = framing->framing,
                                       .length = framing->length};
    if (kind->rewritten && kind->rewritten(x, &request.length))
        request.framing = FRAMING_LENGTH;
    return request;
}

static char *target_of(const struct exchange *x)
{
    const struct request_facts *request = &x->request;
    return kind_of(x)->canonical ? route_canonical(&request->route, &request->target)
                                 : strdup(request->target.canonical);
}

static bool start(struct exchange *x)
{
    struct headers fields = {0};
    char *target = target_of(x);
    struct upstream_request request = request_of(x);
    request.target = target;
    request.headers = &fields;
    relay_of(x)->mode = ANSWER_COLLECT;
    bool started = target && fields_for_glance(x, &fields) && glance_ask(x, &request, &RELAY);
    headers_free(&fields);
    free(target);
    return started;
}

/* --- the client's side ----------------------------------------------------------------- */

/* Glance's URLs in the version documents become URLs of this proxy. */
static void rewrite_links(struct exchange *x, struct reply *reply)
{
    struct buffer rewritten;
    buffer_init(&rewritten, REPLY_BODY_MAX);
    if (has_links(x, reply->status, &reply->headers) &&
        rewrite_versions(buffer_text(&reply->body), reply->body.len, &x->request.origin,
                         &rewritten)) {
        buffer_free(&reply->body);
        reply->body = rewritten;
    } else {
        buffer_free(&rewritten);
    }
}

static enum step_result answer_collected(struct exchange *x)
{
    struct reply reply;
    image_created_answered(relay_of(x));
    if (!relay_reply(x, &reply))
        return exchange_no_memory(x);
    if (reply.status != 401)
        client_vouch(x->client);
    rewrite_links(x, &reply);
    exchange_answer(x, &reply);
    return STEP_END;
}

/* There is no memory for Glance's answer, so the rest of it is not read. */
static enum step_result give_up(struct exchange *x)
{
    transfer_abort(x->glance.transfer);
    x->glance.transfer = NULL;
    return exchange_no_memory(x);
}

/* The transfer is over, and no answer was streamed. */
static enum step_result finish(struct exchange *x)
{
    if (relay_of(x)->too_long)
        return refuse_length(x);
    if (x->client_lost)
        return exchange_drop_client(x);
    if (x->glance.result != TRANSFER_ANSWERED || x->glance.fault != ANSWER_WHOLE)
        return glance_refuse(x, x->glance.result, x->glance.fault);
    return answer_collected(x);
}

enum step_result relay_forward(struct exchange *x)
{
    struct relay_flow *relay = relay_of(x);
    if (x->entering && too_long(x, request_of(x).length))
        return refuse_length(x);
    if (x->entering && !start(x))
        return exchange_no_memory(x);
    if (glance_has_answered(x) && x->glance.fault == ANSWER_LOST)
        return give_up(x);
    if (glance_has_answered(x) && relay->mode == ANSWER_STREAM)
        return stream_answer(relay);
    return x->glance.over ? finish(x) : STEP_WAIT;
}

void relay_end(struct exchange *x)
{
    if (relay_of(x)->sent)
        metrics_observe(x->parts->metrics, METRICS_REQUEST_SIZE, relay_of(x)->sent);
    image_deleted_end(x);
    relay_buffer_free(&relay_of(x)->buffer);
}

const struct step RELAY_STEPS[] = {
    {"invite", relay_send_continue}, {"forward", relay_forward}, {NULL, NULL}};

const struct relay_kind RELAY_KIND = {
    .base = {.size = sizeof(struct relay_flow), .steps = RELAY_STEPS, .end = relay_end}};
