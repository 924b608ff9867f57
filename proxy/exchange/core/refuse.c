/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange is refused for the first reason that was found, and answered once. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/memory.h"
#include "intake/metrics.h"
#include "intake/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void
set(struct refusal_note *note, enum refusal reason, const char *format, va_list arguments)
{
    if (note->reason)
        return;
    note->reason = reason;
    vsnprintf(note->detail, sizeof note->detail, format, arguments);
}

void refusal_set(struct refusal_note *note, enum refusal reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(note, reason, format, arguments);
    va_end(arguments);
}

static void set_no_memory(struct refusal_note *note, const struct request_facts *request)
{
    request_say(request, LOG_LEVEL_ERROR, "out of memory");
    refusal_set(note, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

void refusal_set_fault(struct refusal_note *note, const struct request_facts *request,
                       enum refusal reason, const char *fault)
{
    if (fault == NO_MEMORY)
        set_no_memory(note, request);
    else
        refusal_set(note, reason, "%s", fault);
}

enum step_result exchange_refuse(struct exchange *x, enum refusal refusal)
{
    refusal_set(&x->refused, refusal, "%s", "");
    return STEP_REFUSE;
}

enum step_result exchange_refuse_for(struct exchange *x, enum refusal refusal, const char *format,
                                     ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(&x->refused, refusal, format, arguments);
    va_end(arguments);
    return STEP_REFUSE;
}

enum step_result exchange_no_memory(struct exchange *x)
{
    set_no_memory(&x->refused, &x->request);
    return STEP_REFUSE;
}

static uint64_t body_for_client(const struct exchange *x, const struct reply *reply)
{
    bool is_head = x->client && strcmp(client_head(x->client)->method, "HEAD") == 0;
    return is_head ? 0 : reply->body.len;
}

/* Without its client, an upload answers the client that goes on with it. That one counts the
 * answer. */
static bool answer_somebody_else(struct exchange *x, struct reply *reply)
{
    return !x->client && x->kind->answer && x->kind->answer(x, reply);
}

/* The record is closed first: a client that retries at once finds its first request finished. */
void exchange_answer(struct exchange *x, struct reply *reply)
{
    exchange_close_record(x);
    if (!answer_somebody_else(x, reply)) {
        metrics_answered(x->parts->metrics, reply->status);
        x->answer.status = reply->status;
        x->answer.sent = body_for_client(x, reply);
        if (x->client)
            client_answer(x->client, reply);
    }
    reply_free(reply);
}

static bool is_stage(const struct route *route)
{
    return route->kind == ROUTE_STAGE || route->missed.meant == ROUTE_STAGE;
}

/* The URL of the upload as the client sees it. NULL: not known, or no memory. */
static char *upload_url(const struct exchange *x)
{
    char *url = NULL;
    const struct origin *origin = &x->request.origin;
    const struct route *route = &x->request.route;
    if (!route->image_id[0] || !origin->host)
        return NULL;
    if (asprintf(&url, "%s://%s%s/v2/images/%s/%s", origin->proto, origin->host, origin->prefix,
                 route->image_id, is_stage(route) ? "stage" : "file") < 0)
        return NULL;
    return url;
}

/* Without the query, which is about the image. */
static char *new_image_url(const struct exchange *x)
{
    char *url = NULL;
    const struct origin *origin = &x->request.origin;
    const char *path = x->request.target.canonical;
    int length = (int)strcspn(path, "?");
    bool named = !x->request.route.page && length > (int)sizeof "/upload/" - 1 &&
                 path[strcspn(path, "'&;()!$* ")] == '\0';
    if (origin->host && asprintf(&url, "%s://%s%s%.*s", origin->proto, origin->host, origin->prefix,
                                 named ? length : (int)sizeof "/upload/NAME" - 1,
                                 named ? path : "/upload/NAME") < 0)
        url = NULL;
    return url;
}

static char *url_of(const struct exchange *x)
{
    return x->request.route.kind == ROUTE_NEW_IMAGE ? new_image_url(x) : upload_url(x);
}

/* The same host by TLS, for a request that was plain HTTP. NULL: not known, or no memory. */
static char *tls_url(const struct exchange *x)
{
    char *url = NULL;
    const char *host = headers_get(&client_head(x->client)->headers, "Host");
    return host && *host && asprintf(&url, "https://%s", host) >= 0 ? url : NULL;
}

/* RFC 9110 15.5.6. */
static bool tell_allowed(const struct exchange *x, struct headers *out)
{
    const char *allowed = x->request.route.missed.allowed;
    return x->refused.reason != REFUSAL_WRONG_METHOD ||
           headers_add(out, "Allow", allowed ? allowed : "GET, PUT");
}

/* RFC 9110 10.2.3, in seconds. */
static bool tell_when(const struct exchange *x, struct headers *out)
{
    return x->refused.reason != REFUSAL_TOO_MANY_UPLOADS || headers_add(out, "Retry-After", "60");
}

static struct refusal_context context_of(const struct exchange *x, const char *url)
{
    const struct route *route = &x->request.route;
    bool new_image = route->kind == ROUTE_NEW_IMAGE; /* its image is not to stay */
    struct refusal_context context = {
        .detail = x->refused.detail[0] ? x->refused.detail : NULL,
        .image_id = route->image_id[0] && !new_image ? route->image_id : NULL,
        .new_image = new_image,
        .request_id = x->request.id,
        .url = url,
        .user_agent = headers_get(&client_head(x->client)->headers, "User-Agent"),
        .upload = route->kind == ROUTE_UPLOAD || route->kind == ROUTE_STAGE ||
                  route->kind == ROUTE_CREATE || new_image,
        .resumable = x->refused.resumable,
    };
    if (x->kind->describe)
        x->kind->describe(x, &context);
    return context;
}

char *exchange_hint(const struct exchange *x, const char *text, const char *detail)
{
    enum { HINT_MAX = 2048 };
    struct buffer hint;
    if (!x->client)
        return NULL;
    char *url = url_of(x);
    struct refusal_context context = context_of(x, url);
    context.detail = detail;
    context.for_glance = true;
    buffer_init(&hint, HINT_MAX);
    char *filled = reply_fill_in(text, &context, &hint) ? strdup(buffer_text(&hint)) : NULL;
    buffer_free(&hint);
    free(url);
    return filled;
}

/* False: no memory; the reply is empty. */
static bool compose_refusal(const struct exchange *x, struct reply *reply)
{
    char *url = x->refused.reason == REFUSAL_PLAIN_HTTP ? tls_url(x) : url_of(x);
    const struct refusal_context context = context_of(x, url);
    reply_init(reply);
    bool good = reply_refuse(reply, x->refused.reason, &context) &&
                headers_of_answer(x, &reply->headers) && tell_allowed(x, &reply->headers) &&
                tell_when(x, &reply->headers) && cors_tell(x, &reply->headers) &&
                exchange_add_to_answer(x, &reply->headers);
    if (!good)
        reply_free(reply);
    free(url);
    return good;
}

void exchange_answer_refusal(struct exchange *x)
{
    struct reply reply;
    if (answer_somebody_else(x, NULL))
        return;
    metrics_refused(x->parts->metrics, x->refused.reason);
    if (!x->client)
        return;
    if (compose_refusal(x, &reply)) {
        exchange_answer(x, &reply);
    } else {
        x->answer.status = 503;
        client_out_of_memory(x->client);
    }
}

void exchange_tell_refusal(struct exchange *x, enum refusal reason, const char *detail)
{
    struct reply reply;
    x->refused.resumable = true;
    refusal_set(&x->refused, reason, "%s", detail);
    metrics_refused(x->parts->metrics, reason);
    if (compose_refusal(x, &reply)) {
        metrics_answered(x->parts->metrics, reply.status);
        client_answer(x->client, &reply);
        reply_free(&reply);
    } else {
        client_out_of_memory(x->client);
    }
    x->refused = (struct refusal_note){0};
}
