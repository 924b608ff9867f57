/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the steps of an exchange of any kind, and ends it.
 *
 * A refusal is answered here. An exchange whose client has left while Glance finishes is an orphan
 * of its worker, and is freed when its last step is over. */
#include "exchange/core/exchange_priv.h"

#include "intake/clock.h"
#include "intake/container.h"
#include "intake/list.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* --- the steps ----------------------------------------------------------------------------- */

void exchange_enter(struct exchange *x, const struct step *step)
{
    x->step = step->run ? step : NULL;
    x->entering = true;
    if (!x->step)
        return;
    if (x->record)
        atomic_store_explicit(&x->record->step, step->name, memory_order_relaxed);
    if (log_debug_wanted())
        request_say(&x->request, LOG_LEVEL_DEBUG, "%s", step->name);
}

void exchange_end_steps(struct exchange *x, enum step_result why)
{
    if (why == STEP_REFUSE && cors_wanted(x)) {
        exchange_enter(x, CORS_STEPS);
        exchange_wake(x);
        return;
    }
    x->step = NULL;
    if (why == STEP_REFUSE)
        exchange_answer_refusal(x);
    exchange_close_record(x);
}

void exchange_run(struct exchange *x)
{
    while (x->step) {
        enum step_result result = x->step->run(x);
        if (result == STEP_ENTERED)
            continue;
        x->entering = false;
        if (result == STEP_WAIT)
            break;
        if (result == STEP_NEXT)
            exchange_enter(x, x->step + 1);
        if (result != STEP_NEXT || !x->step)
            exchange_end_steps(x, result);
    }
}

/* --- the end ------------------------------------------------------------------------------- */

void exchange_stop_asking(struct exchange *x)
{
    transfer_abort(x->glance.transfer);
    x->glance.transfer = NULL;
    if (x->kind->stop_asking)
        x->kind->stop_asking(x);
    fetch_end(&x->cors.question);
    timer_cancel(x->parts->loop, &x->step_timer);
}

static void wipe_token(struct exchange *x)
{
    if (x->token)
        explicit_bzero(x->token, strlen(x->token));
    free(x->token);
}

void exchange_free(struct exchange *x)
{
    exchange_stop_asking(x);
    list_remove(&x->orphan);
    task_cancel(x->parts->loop, &x->run_task);
    exchange_close_record(x);
    exchange_say_end(x);
    if (!x->recorded && x->answer.status)
        metrics_observe(x->parts->metrics, METRICS_REQUEST_DURATION, clock_ms() - x->began);
    metrics_gauge_add(x->parts->metrics, METRICS_REQUESTS_IN_FLIGHT, -1);
    if (x->kind->end)
        x->kind->end(x);
    request_free(&x->request);
    wipe_token(x);
    reply_free(&x->glance.answer);
    snapshot_release(x->snapshot);
    free(x);
}

void exchange_make_orphan(struct exchange *x)
{
    x->client = NULL;
    if (!list_is_linked(&x->orphan))
        list_insert(&x->parts->orphans, &x->orphan);
}

void exchange_drop_orphans(struct exchange_parts *parts)
{
    struct exchange *x;
    while ((x = LIST_TAKE_FIRST(&parts->orphans, struct exchange, orphan)))
        exchange_free(x);
}

/* An exchange that ends here is freed by a task, so the list does not change meanwhile. */
void exchange_drain(struct exchange_parts *parts)
{
    LIST_EACH(x, &parts->orphans, struct exchange, orphan)
        if (x->step && x->kind->drain)
            x->kind->drain(x);
}

static void run_task(struct task *task)
{
    struct exchange *x = CONTAINER_OF(task, struct exchange, run_task);
    exchange_run(x);
    if (!x->client && !x->step)
        exchange_free(x);
}

/* --- the beginning ------------------------------------------------------------------------- */

struct exchange *exchange_new(struct exchange_parts *parts, struct client *client,
                              const struct exchange_kind *kind, struct request_facts *request)
{
    struct exchange *x = calloc(1, kind->size);
    if (!x) {
        request_free(request);
        return NULL;
    }
    x->parts = parts;
    x->client = client;
    x->kind = kind;
    x->request = *request;
    x->began = clock_ms();
    x->run_task.run = run_task;
    x->snapshot = snapshot_hold(parts->snapshot);
    reply_init(&x->glance.answer);
    metrics_gauge_add(parts->metrics, METRICS_REQUESTS_IN_FLIGHT, 1);
    return x;
}
