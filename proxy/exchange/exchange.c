/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a client: a request begins, is routed to its kind, and ends. The steps of each kind
 * are in a folder of its own; core/run.c runs them. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/memory.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* The authority of an absolute form stands in for Host (RFC 9112 3.2.2). */
static bool host_of_absolute_form(struct exchange *x)
{
    if (!x->request.target.authority)
        return true;
    char *host = strdup(x->request.target.authority);
    if (!host)
        return false;
    free(x->request.origin.host);
    x->request.origin.host = host;
    return true;
}

/* Who the client is. */
static enum step_result find_origin(struct exchange *x)
{
    const struct settings *settings = x->snapshot->settings;
    const struct origin_facts facts = {
        .peer = client_peer(x->client),
        .tls = client_is_tls(x->client),
        .trusted = &settings->listen.trusted_proxies,
        .forwarded = settings->listen.forwarded_header == FORWARDED_HEADER_FORWARDED,
    };
    const char *fault;
    if (!origin_find(&client_head(x->client)->headers, &facts, &x->request.origin, &fault))
        fault = NO_MEMORY;
    return fault ? exchange_refuse_fault(x, REFUSAL_BAD_REQUEST, fault) : STEP_NEXT;
}

/* The image that was meant is told in the answer. */
static void refuse_miss(struct exchange *x)
{
    memcpy(x->request.route.image_id, x->request.route.missed.image_id,
           sizeof x->request.route.image_id);
    exchange_refuse_for(x, REFUSAL_WRONG_METHOD, "%s", x->request.route.missed.how);
}

/* The request stage: what is asked, and by whom; or why it cannot be read. */
static void understand(struct exchange *x)
{
    const struct request_head *head = client_head(x->client);
    request_id_choose(&head->headers, x->request.id);
    if (client_fault(x->client)) {
        exchange_refuse_for(x, client_refusal(x->client), "%s", client_fault(x->client));
        return;
    }
    if (find_origin(x) != STEP_NEXT)
        return;
    if (via_has_own(&head->headers)) {
        exchange_refuse(x, REFUSAL_LOOP_DETECTED);
        return;
    }
    if (client_over_limit(x->client)) {
        exchange_refuse(x, REFUSAL_TOO_MANY_CONNECTIONS);
        return;
    }
    const char *fault = target_parse(head->target, &x->request.target);
    if (!fault && !host_of_absolute_form(x))
        fault = NO_MEMORY;
    if (!fault)
        fault = route_find(head->method, &x->request.target, &head->headers, &x->request.route);
    if (fault)
        exchange_refuse_fault(x, REFUSAL_BAD_REQUEST, fault);
    else if (x->request.route.missed.how && exchange_has_body(x))
        refuse_miss(x);
}

static bool is_upload(const struct exchange *x)
{
    return x->request.route.kind == ROUTE_UPLOAD || x->request.route.kind == ROUTE_STAGE;
}

static const struct exchange_kind *kind_of(const struct exchange *x)
{
    if (is_upload(x))
        return &UPLOAD_KIND;
    return x->request.route.kind == ROUTE_RELAY || x->request.route.kind == ROUTE_VERSIONS
               ? &RELAY_KIND
               : ingest_kind(x);
}

static void *opened(void *context, struct client *client)
{
    struct exchange_parts *parts = context;
    struct exchange *x = exchange_new(parts, client);
    if (!x)
        return NULL;
    understand(x);
    if (!x->refused.reason && is_upload(x) &&
        !exchange_begin_record(x,
                               x->request.route.kind == ROUTE_STAGE ? RECORD_STAGE : RECORD_FILE))
        exchange_no_memory(x);
    if (x->refused.reason) {
        exchange_end_steps(x, STEP_REFUSE);
        return x;
    }
    x->kind = kind_of(x);
    exchange_enter(x, x->kind->steps);
    exchange_run(x);
    return x;
}

/* --- what the client's edge tells ------------------------------------------------------ */

static void readable(void *exchange)
{
    struct exchange *x = exchange;
    x->body_readable = true;
    if (x->glance.transfer)
        transfer_write_on(x->glance.transfer);
    else if (!(x->kind->take_more && x->kind->take_more(x)))
        exchange_wake(x);
}

static bool outlives_client(const struct exchange *x)
{
    return x->step && x->kind->outlives_client && x->kind->outlives_client(x);
}

static void lost(void *exchange, enum client_loss why)
{
    struct exchange *x = exchange;
    if (!x->step || outlives_client(x))
        return;
    if (why == CLIENT_VANISHED && client_body_complete(x->client))
        return; /* Glance gets all of it: see `closed` */
    exchange_stop_asking(x);
    if (why == CLIENT_NO_MEMORY) {
        exchange_end_steps(x, exchange_no_memory(x));
        return;
    }
    x->client_lost = true;
    exchange_mark_aborted(x);
    if (why == CLIENT_STALLED)
        exchange_refuse(x, REFUSAL_CLIENT_STALLED);
    if (why == CLIENT_MALFORMED)
        exchange_refuse_for(x, client_refusal(x->client), "%s", client_fault(x->client));
    exchange_end_steps(x, why == CLIENT_VANISHED ? STEP_END : STEP_REFUSE);
}

static void closed(void *exchange, bool answered)
{
    struct exchange *x = exchange;
    (void)answered;
    if (outlives_client(x)) {
        exchange_adopt(x);
        return;
    }
    if (x->step) {
        x->client_lost = true;
        exchange_mark_aborted(x);
    }
    exchange_free(x);
}

const struct client_events exchange_events = {
    .opened = opened,
    .readable = readable,
    .lost = lost,
    .closed = closed,
};
