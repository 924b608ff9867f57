/* SPDX-License-Identifier: Apache-2.0 */
/* A request begins, is routed, runs through the steps of its kind, and ends.
 *
 * One loop runs the steps, traces them and answers a refusal. What the client's and Glance's
 * edges tell only notes a fact and posts the loop, so no step runs inside a library's call. */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/log.h"
#include "intake/memory.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* --- the loop over the steps ----------------------------------------------------------- */

static void enter(struct exchange *x, const struct step *step)
{
    x->step = step->run ? step : NULL;
    x->entering = true;
    if (!x->step)
        return;
    if (x->record)
        atomic_store_explicit(&x->record->step, step->name, memory_order_relaxed);
    if (log_debug_wanted())
        log_say(LOG_LEVEL_DEBUG, "%s: %s", x->request_id, step->name);
}

static void end_steps(struct exchange *x, enum step_result why)
{
    if (why == STEP_REFUSE && cors_wanted(x)) {
        enter(x, CORS_STEPS);
        exchange_wake(x);
        return;
    }
    x->step = NULL;
    if (why == STEP_REFUSE)
        exchange_answer_refusal(x);
    upload_release(x);
}

static void run(struct exchange *x)
{
    while (x->step) {
        enum step_result result = x->step->run(x);
        x->entering = false;
        if (result == STEP_WAIT)
            break;
        if (result == STEP_NEXT)
            enter(x, x->step + 1);
        if (result != STEP_NEXT || !x->step)
            end_steps(x, result);
    }
}

void exchange_wake(struct exchange *x)
{
    task_post(x->parts->loop, &x->run_task);
}

void exchange_wake_by(void *exchange)
{
    exchange_wake(exchange);
}

static void step_timer_fired(struct timer *timer)
{
    struct exchange *x = (struct exchange *)((char *)timer - offsetof(struct exchange, step_timer));
    x->step_timer_fired = true;
    exchange_wake(x);
}

void exchange_wait_at_most(struct exchange *x, uint64_t ms)
{
    x->step_timer.fire = step_timer_fired;
    x->step_timer_fired = !timer_set(x->parts->loop, &x->step_timer, ms);
}

/* --- birth and death ------------------------------------------------------------------- */

static void end_asking(struct exchange *x)
{
    transfer_abort(x->transfer);
    x->transfer = NULL;
    upload_end_asking(x);
    fetch_end(&x->cors_asked);
    timer_cancel(x->parts->loop, &x->step_timer);
    timer_cancel(x->parts->loop, &x->look);
}

static void exchange_free(struct exchange *x)
{
    end_asking(x);
    task_cancel(x->parts->loop, &x->run_task);
    upload_release(x);
    metrics_gauge_add(x->parts->metrics, METRICS_REQUESTS_IN_FLIGHT, -1);
    target_free(&x->target);
    origin_free(&x->origin);
    reply_free(&x->answer);
    image_free(&x->image);
    body_free(x->body);
    relay_buffer_free(&x->relay_buffer);
    buffer_body_end(x);
    snapshot_release(x->snapshot);
    headers_free(&x->ask_fields);
    free(x->requested);
    free(x->hint);
    free(x);
}

static void adopt(struct exchange *x)
{
    x->client = NULL;
    x->next = x->parts->orphans;
    if (x->next)
        x->next->previous = x;
    x->parts->orphans = x;
}

static void bury(struct exchange *x)
{
    if (x->next)
        x->next->previous = x->previous;
    if (x->previous)
        x->previous->next = x->next;
    else
        x->parts->orphans = x->next;
    exchange_free(x);
}

void exchange_drop_orphans(struct exchange_parts *parts)
{
    struct exchange *x = parts->orphans;
    parts->orphans = NULL;
    while (x) {
        struct exchange *next = x->next;
        exchange_free(x);
        x = next;
    }
}

static void run_task(struct task *task)
{
    struct exchange *x = (struct exchange *)((char *)task - offsetof(struct exchange, run_task));
    run(x);
    if (!x->client && !x->step)
        bury(x);
}

/* The authority of an absolute form stands in for Host (RFC 9112 3.2.2). */
static bool host_of_absolute_form(struct exchange *x)
{
    if (!x->target.authority)
        return true;
    char *host = strdup(x->target.authority);
    if (!host)
        return false;
    free(x->origin.host);
    x->origin.host = host;
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
    if (!origin_find(&client_head(x->client)->headers, &facts, &x->origin, &fault))
        fault = NO_MEMORY;
    return fault ? exchange_refuse_fault(x, REFUSAL_BAD_REQUEST, fault) : STEP_NEXT;
}

/* The image that was meant is told in the answer. */
static void refuse_miss(struct exchange *x)
{
    memcpy(x->route.image_id, x->route.missed.image_id, sizeof x->route.image_id);
    exchange_refuse_for(x, REFUSAL_WRONG_METHOD, "%s", x->route.missed.how);
}

/* The request stage: what is asked, and by whom; or why it cannot be read. */
static void understand(struct exchange *x)
{
    const struct request_head *head = client_head(x->client);
    request_id_choose(&head->headers, x->request_id);
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
    const char *fault = target_parse(head->target, &x->target);
    if (!fault && !host_of_absolute_form(x))
        fault = NO_MEMORY;
    if (!fault)
        fault = route_find(head->method, &x->target, &head->headers, &x->route);
    if (fault)
        exchange_refuse_fault(x, REFUSAL_BAD_REQUEST, fault);
    else if (x->route.missed.how && relay_has_body(x))
        refuse_miss(x);
}

static bool is_upload(const struct exchange *x)
{
    return x->route.kind == ROUTE_UPLOAD || x->route.kind == ROUTE_STAGE;
}

bool exchange_begin_record(struct exchange *x, enum record_kind ingest)
{
    const char *image = x->route.image_id[0] ? x->route.image_id : NULL;
    const char *client = x->origin.address[0] ? x->origin.address : NULL;
    x->record = record_new(x->request_id, client, image);
    if (!x->record)
        return false;
    const struct framing_facts *framing = client_framing(x->client);
    x->record->kind = ingest;
    x->record->size_known = framing->framing != FRAMING_CHUNKED;
    x->record->size = framing->length;
    return true;
}

static const struct step *steps_of(const struct exchange *x)
{
    if (is_upload(x))
        return UPLOAD_STEPS;
    return ingest_applies(x) ? ingest_steps(x) : RELAY_STEPS;
}

static void *opened(void *context, struct client *client)
{
    struct exchange_parts *parts = context;
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->parts = parts;
    x->client = client;
    x->run_task.run = run_task;
    x->snapshot = snapshot_hold(parts->snapshot);
    reply_init(&x->answer);
    metrics_gauge_add(parts->metrics, METRICS_REQUESTS_IN_FLIGHT, 1);
    understand(x);
    if (!x->refusal && is_upload(x) &&
        !exchange_begin_record(x, x->route.kind == ROUTE_STAGE ? RECORD_STAGE : RECORD_FILE))
        exchange_no_memory(x);
    if (x->refusal) {
        end_steps(x, STEP_REFUSE);
        return x;
    }
    enter(x, steps_of(x));
    run(x);
    return x;
}

/* --- what the client's edge tells ------------------------------------------------------ */

static void readable(void *exchange)
{
    struct exchange *x = exchange;
    x->readable = true;
    if (x->transfer)
        transfer_write_on(x->transfer);
    else if (!upload_takes_more(x))
        exchange_wake(x);
}

/* Glance has the whole image, or has failed: what becomes of it is found out without the client,
 * so that the log tells. A body of nothing is finished before anything was sent, and every step
 * up to then needs the client: until the transfer has begun, a client that leaves ends the upload.
 */
static bool goes_on_alone(const struct exchange *x)
{
    return x->record && x->step && x->send_begun &&
           (x->step->run == upload_verify || body_finished(x->body));
}

static void lost(void *exchange, enum client_loss why)
{
    struct exchange *x = exchange;
    if (!x->step || goes_on_alone(x))
        return;
    if (why == CLIENT_VANISHED && client_body_complete(x->client))
        return; /* Glance gets all of it: see `closed` */
    end_asking(x);
    if (why == CLIENT_NO_MEMORY) {
        end_steps(x, exchange_no_memory(x));
        return;
    }
    x->client_lost = true;
    upload_client_lost(x);
    if (why == CLIENT_STALLED)
        exchange_refuse(x, REFUSAL_CLIENT_STALLED);
    if (why == CLIENT_MALFORMED)
        exchange_refuse_for(x, client_refusal(x->client), "%s", client_fault(x->client));
    end_steps(x, why == CLIENT_VANISHED ? STEP_END : STEP_REFUSE);
}

static void closed(void *exchange, bool answered)
{
    struct exchange *x = exchange;
    (void)answered;
    if (goes_on_alone(x)) {
        adopt(x);
        return;
    }
    if (x->step) {
        x->client_lost = true;
        upload_client_lost(x);
    }
    exchange_free(x);
}

const struct client_events exchange_events = {
    .opened = opened,
    .readable = readable,
    .lost = lost,
    .closed = closed,
};
