/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the image after its upload, as often as it takes to learn what has become of it.
 *
 * One question that fails says nothing of the image: Glance may be short of workers, or a balancer
 * before it may have lost one. It is asked again until the patience ends. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"

enum { ONE_LOOK_MS = 10000 }; /* for one question; a lost one must not use up the patience */

static void look_again(struct timer *timer)
{
    struct exchange *x = (struct exchange *)((char *)timer - offsetof(struct exchange, look));
    x->look_due = true;
    exchange_wake(x);
}

static uint64_t next_wait(const struct exchange *x, const struct poll_plan *plan)
{
    uint64_t wait = x->look_wait ? 2 * x->look_wait : plan->wait_ms;
    return wait < plan->wait_max_ms ? wait : plan->wait_max_ms;
}

/* The last look is at the very end of the patience. */
bool upload_poll_later(struct exchange *x, const struct poll_plan *plan)
{
    uint64_t gone = clock_ms() - x->look_began;
    if (gone >= plan->timeout_ms)
        return false;
    uint64_t left = plan->timeout_ms - gone;
    fetch_end(&x->image_asked);
    x->look_wait = next_wait(x, plan);
    x->look.fire = look_again;
    return timer_set(x->parts->loop, &x->look, x->look_wait < left ? x->look_wait : left);
}

static enum look ask(struct exchange *x, const struct poll_plan *plan)
{
    uint64_t timeout = plan->timeout_ms < ONE_LOOK_MS ? plan->timeout_ms : ONE_LOOK_MS;
    x->look_due = false;
    return upload_ask_image(x, timeout) || upload_poll_later(x, plan) ? POLL_WAIT : POLL_FAILED;
}

static enum look begin(struct exchange *x, const struct poll_plan *plan)
{
    x->look_began = clock_ms();
    x->look_wait = 0;
    if (plan->later && upload_poll_later(x, plan))
        return POLL_WAIT;
    return ask(x, plan);
}

static enum look hear(struct exchange *x, const struct poll_plan *plan, struct image *seen)
{
    const struct fetch *fetch = &x->image_asked;
    const struct buffer *body = &fetch->answer.body;
    unsigned status = fetch_answered(fetch) ? fetch->answer.status : 0;
    if (status == 200 && image_parse(buffer_text(body), body->len, seen))
        return POLL_SEEN;
    if (status == 404)
        return POLL_GONE;
    if (status == 401 || status == 403)
        return POLL_DENIED;
    return upload_poll_later(x, plan) ? POLL_WAIT : POLL_FAILED;
}

enum look upload_poll(struct exchange *x, const struct poll_plan *plan, struct image *seen)
{
    if (x->entering)
        return begin(x, plan);
    if (x->look_due)
        return ask(x, plan);
    return x->image_asked.over ? hear(x, plan, seen) : POLL_WAIT;
}
