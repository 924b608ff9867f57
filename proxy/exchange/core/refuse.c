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

enum step_result exchange_refuse(struct exchange *x, enum refusal refusal)
{
    if (!x->refused.reason)
        x->refused.reason = refusal;
    return STEP_REFUSE;
}

enum step_result exchange_refuse_for(struct exchange *x, enum refusal refusal, const char *format,
                                     ...)
{
    if (x->refused.reason)
        return STEP_REFUSE;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(x->refused.detail, sizeof x->refused.detail, format, arguments);
    va_end(arguments);
    return exchange_refuse(x, refusal);
}

enum step_result exchange_refuse_fault(struct exchange *x, enum refusal refusal, const char *fault)
{
    return fault == NO_MEMORY ? exchange_no_memory(x)
                              : exchange_refuse_for(x, refusal, "%s", fault);
}

enum step_result exchange_no_memory(struct exchange *x)
{
    log_say(LOG_LEVEL_ERROR, "%s: out of memory", x->request.id);
    return exchange_refuse(x, REFUSAL_OUT_OF_MEMORY);
}

/* A client that has its answer may try again at once, and whoever looks then finds it noted. */
void exchange_answer(struct exchange *x, struct reply *reply)
{
    exchange_close_record(x);
    metrics_answered(x->parts->metrics, reply->status);
    if (x->client)
        client_answer(x->client, reply);
    reply_free(reply);
}

static char *upload_url(const struct exchange *x)
{
    char *url = NULL;
    if (!x->request.route.image_id[0] || !x->request.origin.host)
        return NULL;
    if (asprintf(&url, "%s://%s%s/v2/images/%s/%s", x->request.origin.proto, x->request.origin.host,
                 x->request.origin.prefix, x->request.route.image_id,
                 x->request.route.kind == ROUTE_STAGE ||
                         x->request.route.missed.meant == ROUTE_STAGE
                     ? "stage"
                     : "file") < 0)
        return NULL;
    return url;
}

/* Where TLS is spoken, in place of the address that was plain HTTP. */
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
    return (struct refusal_context){
        .detail = x->refused.detail[0] ? x->refused.detail : NULL,
        .image_id = x->request.route.image_id[0] ? x->request.route.image_id : NULL,
        .request_id = x->request.id,
        .url = url,
        .user_agent = headers_get(&client_head(x->client)->headers, "User-Agent"),
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .upload = x->request.route.kind == ROUTE_UPLOAD || x->request.route.kind == ROUTE_STAGE,
        .for_glance = x->body && body_refused_for_glance(x->body),
    };
}

bool exchange_hint(struct exchange *x, const char *text, const char *detail)
{
    enum { HINT_MAX = 2048 };
    struct buffer hint;
    if (!x->client)
        return true;
    char *url = upload_url(x);
    struct refusal_context context = context_of(x, url);
    context.detail = detail;
    context.for_glance = true;
    buffer_init(&hint, HINT_MAX);
    free(x->hint);
    x->hint = reply_fill_in(text, &context, &hint) ? strdup(buffer_text(&hint)) : NULL;
    buffer_free(&hint);
    free(url);
    return x->hint != NULL;
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
