/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the steps of an exchange of any kind, and ends it.
 *
 * A refusal is answered here. An exchange whose client has left while Glance finishes is an orphan
 * of its worker, and is freed when its last step is over. */
#include "exchange/core/exchange_priv.h"

#include "intake/container.h"
#include "intake/list.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <stdlib.h>

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
        log_say(LOG_LEVEL_DEBUG, "%s: %s", x->request.id, step->name);
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

void exchange_free(struct exchange *x)
{
    exchange_stop_asking(x);
    list_remove(&x->orphan);
    task_cancel(x->parts->loop, &x->run_task);
    exchange_close_record(x);
    metrics_gauge_add(x->parts->metrics, METRICS_REQUESTS_IN_FLIGHT, -1);
    if (x->kind->end)
        x->kind->end(x);
    request_free(&x->request);
    reply_free(&x->glance.answer);
    snapshot_release(x->snapshot);
    free(x);
}

void exchange_make_orphan(struct exchange *x)
{
    x->client = NULL;
    list_insert(&x->parts->orphans, &x->orphan);
}

void exchange_drop_orphans(struct exchange_parts *parts)
{
    struct exchange *x;
    while ((x = LIST_TAKE_FIRST(&parts->orphans, struct exchange, orphan)))
        exchange_free(x);
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
    x->run_task.run = run_task;
    x->snapshot = snapshot_hold(parts->snapshot);
    reply_init(&x->glance.answer);
    metrics_gauge_add(parts->metrics, METRICS_REQUESTS_IN_FLIGHT, 1);
    return x;
}
