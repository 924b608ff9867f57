/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange is refused for the first reason that was found, and answered once. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/log.h"
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

static void set_no_memory(struct refusal_note *note, const char *request_id)
{
    log_say(LOG_LEVEL_ERROR, "%s: out of memory", request_id);
    refusal_set(note, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

void refusal_set_fault(struct refusal_note *note, const char *request_id, enum refusal reason,
                       const char *fault)
{
    if (fault == NO_MEMORY)
        set_no_memory(note, request_id);
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
    set_no_memory(&x->refused, x->request.id);
    return STEP_REFUSE;
}

/* The record is closed first: a client that retries at once finds its first request finished. */
void exchange_answer(struct exchange *x, struct reply *reply)
{
    exchange_close_record(x);
    metrics_answered(x->parts->metrics, reply->status);
    if (x->client)
        client_answer(x->client, reply);
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
    return x->refused.reason != REFUSAL_WRONG_METHOD ||
           headers_add(out, "Allow", x->request.route.missed.allowed);
}

static struct refusal_context context_of(const struct exchange *x, const char *url)
{
    const struct route *route = &x->request.route;
    struct refusal_context context = {
        .detail = x->refused.detail[0] ? x->refused.detail : NULL,
        .image_id = route->image_id[0] ? route->image_id : NULL,
        .request_id = x->request.id,
        .url = url,
        .user_agent = headers_get(&client_head(x->client)->headers, "User-Agent"),
        .upload = route->kind == ROUTE_UPLOAD || route->kind == ROUTE_STAGE,
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
    char *url = upload_url(x);
    struct refusal_context context = context_of(x, url);
    context.detail = detail;
    context.for_glance = true;
    buffer_init(&hint, HINT_MAX);
    char *filled = reply_fill_in(text, &context, &hint) ? strdup(buffer_text(&hint)) : NULL;
    buffer_free(&hint);
    free(url);
    return filled;
}

void exchange_answer_refusal(struct exchange *x)
{
    metrics_refused(x->parts->metrics, x->refused.reason);
    if (!x->client)
        return;
    char *url = x->refused.reason == REFUSAL_PLAIN_HTTP ? tls_url(x) : upload_url(x);
    const struct refusal_context context = context_of(x, url);
    struct reply reply;
    reply_init(&reply);
    if (reply_refuse(&reply, x->refused.reason, &context) && headers_of_answer(x, &reply.headers) &&
        tell_allowed(x, &reply.headers) && cors_tell(x, &reply.headers)) {
        exchange_answer(x, &reply);
    } else {
        reply_free(&reply);
        client_out_of_memory(x->client);
    }
    free(url);
}
