/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a client: a request begins, gets its kind, and ends. Each kind has its steps in a
 * folder of its own; core/run.c runs them. */
#include "exchange/core/exchange_priv.h"
#include "exchange/ingest/ingest_steps.h"
#include "exchange/new_image/new_image_flow.h"
#include "exchange/page/page_kinds.h"
#include "exchange/relay/relay_steps.h"
#include "exchange/resume/resume_steps.h"
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <string.h>

/* A request that is refused by its head alone. */
static const struct exchange_kind REFUSED_KIND = {.size = sizeof(struct exchange)};

/* Where nothing is held, the steps of an upload refuse a part, and Glance has no such POST. */
static bool creates(const struct exchange_parts *parts, const struct client *client)
{
    return parts->snapshot->settings->resume.window > 0 ||
           strcmp(client_head(client)->method, "PUT") == 0;
}

/* What is below /upload/. A file that the page does not have is Glance's, as every other path. */
static const struct exchange_kind *upload_kind(const struct request_facts *request)
{
    switch (request->route.page) {
    case PAGE_FILE:
        return upload_page_has(request->target.path) ? &PAGE_KIND : NULL;
    case PAGE_TOKEN:
        return &TOKEN_KIND;
    case PAGE_DESCRIBE:
        return &DESCRIBE_KIND;
    default:
        return request->route.new_image ? &NEW_IMAGE_KIND : NULL;
    }
}

static const struct exchange_kind *kind_of(const struct exchange_parts *parts,
                                           const struct client *client,
                                           const struct request_facts *request)
{
    const struct exchange_kind *own = parts->keystone ? upload_kind(request) : NULL;
    if (own)
        return own;
    if (request->route.cors_preflight && parts->snapshot->settings->resume.window > 0)
        return &CORS_PREFLIGHT_KIND;
    if (upload_continues(parts, client, request))
        return &UPLOAD_KIND;
    if (resume_wanted(parts, client, request))
        return &RESUME_KIND;
    switch (request->route.kind) {
    case ROUTE_UPLOAD:
    case ROUTE_STAGE:
        return &UPLOAD_KIND;
    case ROUTE_CREATE:
        return creates(parts, client) ? &UPLOAD_KIND : &RELAY_KIND.base;
    case ROUTE_PROGRESS:
        return &PROGRESS_KIND;
    case ROUTE_HELD:
    case ROUTE_RELAY:
    case ROUTE_VERSIONS:
        return &RELAY_KIND.base;
    default:
        return ingest_kind(parts->snapshot->policy, client, request);
    }
}

static void begin(struct exchange *x)
{
    if (!x->refused.reason && x->kind->begin && !x->kind->begin(x))
        exchange_no_memory(x);
    if (x->refused.reason) {
        exchange_end_steps(x, STEP_REFUSE);
        return;
    }
    exchange_enter(x, x->kind->steps);
    exchange_run(x);
}

static void *opened(void *context, struct client *client)
{
    struct exchange_parts *parts = context;
    struct request_facts request = {0};
    struct refusal_note refused = {0};
    bool good = request_read(parts, client, &request, &refused);
    const struct exchange_kind *kind = good ? kind_of(parts, client, &request) : &REFUSED_KIND;
    struct exchange *x = exchange_new(parts, client, kind, &request);
    if (!x)
        return NULL;
    x->refused = refused;
    begin(x);
    return x;
}

/* --- events of a client that is under way ----------------------------------------------- */

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
    if (x->kind->hold && x->kind->hold(x, why))
        return;
    if (why == CLIENT_VANISHED && client_body_complete(x->client))
        return; /* Glance gets the whole body: see closed() */
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
    x->answer.whole = answered;
    if (outlives_client(x)) {
        exchange_make_orphan(x);
        return;
    }
    if (x->step && x->kind->hold && x->kind->hold(x, CLIENT_VANISHED))
        return;
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
