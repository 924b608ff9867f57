/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is not an upload: passed to Glance and back, streamed through one window.
 *
 *   invite   a request with a body: wait for its first byte
 *   forward  send it; wait for the head of the answer
 *
 * The answer is collected instead of streamed where it has to be changed (the version documents),
 * or where the client's body is not complete when it comes. */
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

/* Glance reads what is not an image into memory. JSON that was judged has a limit of its own, and
 * an import is always judged, or its policy lets it pass whatever it is. */
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
    if (!exchange_has_body(x))
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
    bool versions = has_links(x, status, headers);
    x->mode = versions || !client_can_stream(x->client) ? ANSWER_COLLECT
                                                        : stream_mode(x, status, headers);
    glance_head(owner, status, headers);
    if (x->mode == ANSWER_STREAM && !stream_open(x, status))
        x->glance.fault = ANSWER_LOST;
}

static bool on_data(void *owner, const void *bytes, size_t count)
{
    struct exchange *x = owner;
    if (x->mode == ANSWER_COLLECT)
        return glance_collect(owner, bytes, count);
    return stream_put(x, bytes, count);
}

static void on_more(void *owner)
{
    struct exchange *x = owner;
    client_more(x->client);
}

static ssize_t on_pull(void *owner, void *into, size_t room)
{
    struct exchange *x = owner;
    ssize_t count = x->kind->read_held ? (ssize_t)x->kind->read_held(x, into, room) : 0;
    if (count == 0)
        count = client_read(x->client, into, room);
    if (count == STREAM_LOST)
        x->client_lost = true;
    if (count <= 0)
        return count;
    metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
    x->relayed += (uint64_t)count;
    x->too_long = too_long(x, x->relayed);
    return x->too_long ? STREAM_LOST : count;
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

/* A door's path has a version, and Glance answers 404 where Accept has one, too. */
static bool fields_for_glance(const struct exchange *x, struct headers *out)
{
    const struct headers *sent = &client_head(x->client)->headers;
    if (!forward_request_headers(sent, &x->request.origin, x->request.id, out) || !via_add(out))
        return false;
    if (x->request.route.version_by_accept)
        headers_remove(out, "Accept");
    return !x->kind->set_headers || x->kind->set_headers(x, out);
}

static struct upstream_request order_of(const struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    struct upstream_request request = {.method = client_head(x->client)->method,
                                       .framing = framing->framing,
                                       .length = framing->length};
    if (x->import_change == IMPORT_SET_BODY) {
        request.framing = FRAMING_LENGTH;
        request.length = x->held.len;
    }
    return request;
}

static bool start(struct exchange *x)
{
    struct headers fields = {0};
    char *target = x->kind->canonical ? route_canonical(&x->request.route, &x->request.target)
                                      : strdup(x->request.target.canonical);
    struct upstream_request request = order_of(x);
    request.target = target;
    request.headers = &fields;
    bool started = target && fields_for_glance(x, &fields) && glance_ask(x, &request, &RELAY);
    headers_free(&fields);
    free(target);
    return started;
}

/* --- the client's side ----------------------------------------------------------------- */

static bool move_links(struct exchange *x, struct reply *reply)
{
    struct buffer moved;
    buffer_init(&moved, REPLY_BODY_MAX);
    if (has_links(x, reply->status, &reply->headers) &&
        rewrite_versions(buffer_text(&reply->body), reply->body.len, &x->request.origin, &moved)) {
        buffer_free(&reply->body);
        reply->body = moved;
        return true;
    }
    buffer_free(&moved);
    return false;
}

static enum step_result answer_collected(struct exchange *x)
{
    struct reply reply;
    if (!relay_reply(x, &reply))
        return exchange_no_memory(x);
    if (reply.status != 401)
        client_vouch(x->client);
    move_links(x, &reply);
    exchange_answer(x, &reply);
    return STEP_END;
}

/* There is no memory for Glance's answer: nobody waits for the rest of it. */
static enum step_result give_up(struct exchange *x)
{
    transfer_abort(x->glance.transfer);
    x->glance.transfer = NULL;
    return exchange_no_memory(x);
}

enum step_result relay_forward(struct exchange *x)
{
    if (x->entering && too_long(x, order_of(x).length))
        return refuse_length(x);
    if (x->entering && !start(x))
        return exchange_no_memory(x);
    if (glance_has_answered(x) && x->glance.fault == ANSWER_LOST)
        return give_up(x);
    if (glance_has_answered(x) && x->mode == ANSWER_STREAM)
        return stream_answer(x);
    if (!x->glance.over)
        return STEP_WAIT;
    if (x->too_long)
        return refuse_length(x);
    if (x->client_lost) {
        client_drop(x->client);
        return STEP_END;
    }
    if (x->glance.result != TRANSFER_ANSWERED || x->glance.fault != ANSWER_WHOLE)
        return glance_refuse(x, x->glance.result, x->glance.fault);
    return answer_collected(x);
}

const struct step RELAY_STEPS[] = {
    {"invite", relay_send_continue}, {"forward", relay_forward}, {NULL, NULL}};

const struct exchange_kind RELAY_KIND = {.steps = RELAY_STEPS};
