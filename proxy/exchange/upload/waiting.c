/* SPDX-License-Identifier: Apache-2.0 */
/* An upload that waits for something that other uploads have: its share (wait_share.c), or a place
 * at an endpoint of Glance (wait_place.c). `/uploads` shows it as queued. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"

#include <sys/param.h>

enum { RETRY_MS = 1000 };

static void begin(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    upload->wait.began_ms = clock_ms();
    list_append(&x->parts->queued, &upload->wait.place);
    upload_set_state(upload, RECORD_QUEUED);
}

void upload_end_wait(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (!list_is_linked(&upload->wait.place))
        return;
    uint64_t waited = clock_ms() - upload->wait.began_ms;
    list_remove(&upload->wait.place);
    timer_cancel(x->parts->loop, &x->step_timer);
    metrics_observe(x->parts->metrics, METRICS_UPLOAD_QUEUE, waited);
    if (!x->record)
        return;
    atomic_fetch_add_explicit(&x->record->queued_ms, waited, memory_order_relaxed);
    upload_set_state(upload, RECORD_SENDING);
}

void exchange_wake_queued(struct exchange_parts *parts)
{
    LIST_EACH(upload, &parts->queued, struct upload_flow, wait.place)
        exchange_wake(&upload->x);
}

/* A stop refuses what was not asked for its body yet. Other uploads are in flight, and may
 * finish. */
enum step_result upload_wait_at_most(struct upload_flow *upload, uint64_t limit_ms)
{
    struct exchange *x = &upload->x;
    if (!list_is_linked(&upload->wait.place))
        begin(upload);
    uint64_t waited = clock_ms() - upload->wait.began_ms;
    if (x->parts->drain == DRAIN_STOPPING && !upload->body)
        return exchange_refuse(x, REFUSAL_DRAINING);
    if (waited >= limit_ms)
        return exchange_refuse(x, REFUSAL_TOO_MANY_UPLOADS);
    exchange_wait_at_most(x, MIN(limit_ms - waited, RETRY_MS));
    return x->step_timer_fired ? exchange_no_memory(x) : STEP_WAIT;
}
