/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is not an upload: passed to Glance and back, streamed through one window.
 *
 *   invite   a request with a body: wait for its first byte
 *   forward  send it; wait for the head of the answer
 *
 * The answer is collected instead of streamed where it has to be changed (the version documents),
 * or where the client's body is not complete when it comes. */
#include "exchange/exchange_priv.h"

#include "intake/client.h"
#include "intake/links.h"
#include "intake/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_body(const struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    return framing->framing == FRAMING_CHUNKED || framing->length > 0;
}

static enum step_result invite(struct exchange *x)
{
    if (!has_body(x))
        return STEP_NEXT;
    if (x->fresh) {
        client_invite(x->client);
        return STEP_WAIT;
    }
    return x->readable ? STEP_NEXT : STEP_WAIT;
}

/* --- Glance's side --------------------------------------------------------------------- */

static bool is_json(const struct headers *headers)
{
    const char *type = headers_get(headers, "Content-Type");
    return type && strncasecmp(type, "application/json", strlen("application/json")) == 0;
}

static void on_head(void *owner, unsigned status, const struct headers *headers)
{
    struct exchange *x = owner;
    bool versions = (x->route.kind == ROUTE_VERSIONS || status == 300) && is_json(headers);
    x->mode = versions || !client_can_stream(x->client) ? ANSWER_COLLECT : ANSWER_STREAM;
    glance_head(owner, status, headers);
}

static bool on_data(void *owner, const void *bytes, size_t count)
{
    struct exchange *x = owner;
    if (x->mode == ANSWER_COLLECT)
        return glance_collect(owner, bytes, count);
    if (!window_put(&x->window, bytes, count))
        return false;
    metrics_bytes(x->parts->metrics, 0, count);
    client_more(x->client);
    return true;
}

static ssize_t on_pull(void *owner, void *into, size_t room)
{
    struct exchange *x = owner;
    ssize_t count = client_read(x->client, into, room);
    if (count == CLIENT_LOST)
        x->client_lost = true;
    if (count > 0)
        metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
    return count;
}

static void on_done(void *owner, enum transfer_result result, const char *detail)
{
    struct exchange *x = owner;
    glance_over(owner, result, detail);
    client_more(x->client);
}

static const struct transfer_owner RELAY = {
    .head = on_head,
    .data = on_data,
    .pull = on_pull,
    .done = on_done,
};

static bool start(struct exchange *x)
{
    const struct request_head *head = client_head(x->client);
    const struct framing_facts *framing = client_framing(x->client);
    struct headers fields = {0};
    const struct transfer_order order = {.method = head->method,
                                         .target = x->target.raw,
                                         .headers = &fields,
                                         .framing = framing->framing,
                                         .length = framing->length};
    bool started = forward_request_headers(&head->headers, &x->origin, x->request_id, &fields) &&
                   glance_ask(x, &order, &RELAY);
    headers_free(&fields);
    return started;
}

/* --- the client's side ----------------------------------------------------------------- */

static ssize_t stream_pull(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    size_t count = window_take(&x->window, into, room);
    if (x->transfer && window_full(&x->window) <= WINDOW_SIZE / 2)
        transfer_read_on(x->transfer);
    if (count)
        return (ssize_t)count;
    if (!x->glance_done)
        return CLIENT_WAIT;
    return x->result == TRANSFER_ANSWERED ? CLIENT_END : CLIENT_LOST;
}

/* A length that whoever reads the answer must come to as well (RFC 9112 6.3). */
static bool length_of(const struct headers *fields, uint64_t *length)
{
    const char *text = headers_get(fields, "Content-Length");
    if (headers_count(fields, "Content-Length") != 1 || headers_count(fields, "Transfer-Encoding"))
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno != 0 || value > INT64_MAX)
        return false;
    *length = value;
    return true;
}

static struct client_stream stream_of(struct exchange *x, const struct headers *fields)
{
    struct client_stream stream = {.status = x->answer.status, .pull = stream_pull, .context = x};
    bool bodyless = x->answer.status == 204 || x->answer.status == 304;
    stream.length_known = length_of(fields, &stream.length) || bodyless;
    return stream;
}

static enum step_result answer_streaming(struct exchange *x)
{
    struct reply reply;
    struct client_stream stream = stream_of(x, &x->answer.headers);
    if (!glance_reply(x, &reply))
        return exchange_no_memory(x);
    metrics_answered(x->parts->metrics, reply.status);
    client_answer_stream(x->client, &stream, &reply.headers);
    reply_free(&reply);
    return STEP_END;
}

static bool move_links(struct exchange *x, struct reply *reply)
{
    struct buffer moved;
    buffer_init(&moved, REPLY_BODY_MAX);
    bool versions = x->route.kind == ROUTE_VERSIONS || reply->status == 300;
    if (versions && is_json(&reply->headers) &&
        links_rewrite_versions(buffer_text(&reply->body), reply->body.len, &x->origin, &moved)) {
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
    if (!glance_reply(x, &reply))
        return exchange_no_memory(x);
    move_links(x, &reply);
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result forward(struct exchange *x)
{
    if (x->fresh && !start(x))
        return exchange_no_memory(x);
    if (x->head_seen && x->mode == ANSWER_STREAM)
        return answer_streaming(x);
    if (!x->glance_done)
        return STEP_WAIT;
    if (x->client_lost) {
        client_drop(x->client);
        return STEP_END;
    }
    if (x->result != TRANSFER_ANSWERED || x->answer_too_long)
        return glance_refuse(x);
    return answer_collected(x);
}

const struct step RELAY_STEPS[] = {{"invite", invite}, {"forward", forward}, {NULL, NULL}};
