/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the current step run again, after a callback or a timer. The step runs in a task of the
 * loop, never inside a call of libmicrohttpd or libcurl. */
#include "exchange/core/exchange_priv.h"

#include "intake/container.h"

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
    struct exchange *x = CONTAINER_OF(timer, struct exchange, step_timer);
    x->step_timer_fired = true;
    exchange_wake(x);
}

void exchange_wait_at_most(struct exchange *x, uint64_t ms)
{
    x->step_timer.fire = step_timer_fired;
    x->step_timer_fired = !timer_set(x->parts->loop, &x->step_timer, ms);
}
