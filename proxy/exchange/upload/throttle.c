/* SPDX-License-Identifier: Apache-2.0 */
/* Slows the reading of an upload down to the rate of its project (fair_shares.h). While it waits,
 * its client is not read, and TCP stops the client. A stall_timeout does not count that. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/fair_shares.h"
#include "intake/metrics.h"

static void paid_for(struct timer *timer)
{
    upload_wake(CONTAINER_OF(timer, struct upload_flow, share.timer));
}

/* Without memory for a timer the upload goes on. */
size_t upload_throttle_room(struct upload_flow *upload, size_t room)
{
    struct exchange *x = &upload->x;
    uint64_t wait_ms = 0;
    if (!upload->share.ticket)
        return room;
    size_t now = share_room(upload->share.ticket, room, clock_ms(), &wait_ms);
    if (now > 0 || upload->share.timer.place)
        return now;
    upload->share.timer.fire = paid_for;
    if (!timer_set(x->parts->loop, &upload->share.timer, wait_ms))
        return room;
    metrics_slowed(x->parts->metrics, wait_ms);
    return 0;
}

ssize_t upload_throttle_took(struct upload_flow *upload, ssize_t got)
{
    if (got > 0 && upload->share.ticket)
        share_took(upload->share.ticket, (size_t)got, clock_ms());
    return got;
}

void upload_throttle_end(struct upload_flow *upload)
{
    timer_cancel(upload->x.parts->loop, &upload->share.timer);
}
