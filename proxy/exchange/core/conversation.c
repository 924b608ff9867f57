/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange's conversation with Glance: one transfer at a time. The answer is collected; a relay
 * may stream it instead (relay/stream.c). The callbacks note what came, and the steps run later. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/metrics.h"
#include "intake/rewrite.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

bool glance_ask(struct exchange *x, const struct upstream_request *request,
                const struct upstream_callbacks *owner)
{
    reply_free(&x->glance.answer);
    reply_init(&x->glance.answer);
    x->glance.over = false;
    x->glance.fault = ANSWER_WHOLE;
    struct upstream_request own = *request;
    own.together = x->record ? &x->glance.same_endpoint : NULL;
    x->glance.transfer = transfer_start(x->parts->glance, x->snapshot->settings, &own, owner, x);
    return x->glance.transfer != NULL;
}

void glance_head(void *owner, unsigned status, const struct headers *headers)
{
    struct exchange *x = owner;
    x->glance.answer.status = status;
    headers_each(row, headers)
        if (!headers_add(&x->glance.answer.headers, row->name, row->value))
            x->glance.fault = ANSWER_LOST;
    exchange_wake(x);
}

/* An answer that is too long or lost is still read to its end, so that the transfer ends. */
bool glance_collect(void *owner, const void *bytes, size_t count)
{
    struct exchange *x = owner;
    metrics_bytes(x->parts->metrics, 0, count);
    struct conversation *glance = &x->glance;
    if (glance->fault == ANSWER_WHOLE && !buffer_may_hold(&glance->answer.body, count))
        glance->fault = ANSWER_TOO_LONG;
    if (glance->fault == ANSWER_WHOLE && !buffer_append(&glance->answer.body, bytes, count))
        glance->fault = ANSWER_LOST;
    return true;
}

void glance_over(void *owner, enum transfer_result result, const char *detail)
{
    struct exchange *x = owner;
    x->glance.transfer = NULL;
    x->glance.over = true;
    x->glance.result = result;
    if (result != TRANSFER_ANSWERED && result != TRANSFER_GIVEN_UP)
        request_say(&x->request, LOG_LEVEL_WARNING, "Glance: %s", detail);
    exchange_wake(x);
}

enum step_result glance_refuse(struct exchange *x, enum transfer_result result,
                               enum answer_fault fault)
{
    if (fault == ANSWER_LOST)
        return exchange_no_memory(x);
    if (fault == ANSWER_TOO_LONG)
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED, "its answer is too long");
    switch (result) {
    case TRANSFER_UNREACHABLE:
        return exchange_refuse(x, REFUSAL_GLANCE_UNREACHABLE);
    case TRANSFER_STALLED:
        return exchange_refuse(x, REFUSAL_GLANCE_TIMEOUT);
    case TRANSFER_NO_MEMORY:
        return exchange_no_memory(x);
    default:
        return exchange_refuse(x, REFUSAL_GLANCE_FAILED);
    }
}

/* Glance's own URL in Location becomes one of this proxy. */
static bool rewrite_location_field(struct exchange *x, struct reply *reply)
{
    const struct settings *settings = x->snapshot->settings;
    const char *location = headers_get(&reply->headers, "Location");
    struct buffer rewritten;
    buffer_init(&rewritten, REPLY_BODY_MAX);
    bool good = true;
    if (location && rewrite_location(location, &x->request.origin,
                                     (const char *const *)settings->glance.endpoints,
                                     settings->glance.endpoint_count, &rewritten))
        good = headers_set(&reply->headers, "Location", buffer_text(&rewritten));
    buffer_free(&rewritten);
    return good;
}

bool glance_reply(struct exchange *x, struct reply *reply)
{
    reply_init(reply);
    reply->status = x->glance.answer.status;
    bool good = forward_response_headers(&x->glance.answer.headers, &reply->headers) &&
                rewrite_location_field(x, reply) &&
                (headers_get(&reply->headers, "X-Openstack-Request-Id") ||
                 headers_add(&reply->headers, "X-Openstack-Request-Id", x->request.id));
    if (!good) {
        reply_free(reply);
        return false;
    }
    buffer_free(&reply->body);
    reply->body = x->glance.answer.body;
    buffer_init(&x->glance.answer.body, REPLY_BODY_MAX);
    return true;
}

enum step_result glance_pass_answer(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply))
        return exchange_no_memory(x);
    if (!headers_of_answer(x, &reply.headers) || !exchange_add_to_answer(x, &reply.headers)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}
