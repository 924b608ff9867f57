/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for the image after its upload, until its state is known or the time is over.
 *
 * One question that fails tells nothing about the image: Glance may have too few workers, or a load
 * balancer in front of it may have lost one. It is asked again until the time is over. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/container.h"

enum { QUESTION_MAX_MS = 10000 }; /* so that a lost question does not use up the time */

static void timer_fired(struct timer *timer)
{
    struct upload_flow *upload = CONTAINER_OF(timer, struct upload_flow, poll.timer);
    upload->poll.due = true;
    exchange_wake(&upload->x);
}

bool upload_set_poll_timer(struct upload_flow *upload, uint64_t ms)
{
    upload->poll.timer.fire = timer_fired;
    return timer_set(upload->x.parts->loop, &upload->poll.timer, ms);
}

static uint64_t next_wait(const struct poll_state *poll, const struct poll_plan *plan)
{
    uint64_t wait = poll->wait_ms ? 2 * poll->wait_ms : plan->wait_ms;
    return wait < plan->wait_max_ms ? wait : plan->wait_max_ms;
}

/* The last question is asked at the very end of the time. */
bool upload_poll_later(struct upload_flow *upload, const struct poll_plan *plan)
{
    struct poll_state *poll = &upload->poll;
    uint64_t passed = clock_ms() - poll->began_ms;
    if (passed >= plan->timeout_ms)
        return false;
    uint64_t left = plan->timeout_ms - passed;
    fetch_end(&upload->check.image_question);
    poll->wait_ms = next_wait(poll, plan);
    return upload_set_poll_timer(upload, poll->wait_ms < left ? poll->wait_ms : left);
}

static enum poll_result ask(struct upload_flow *upload, const struct poll_plan *plan)
{
    uint64_t timeout = plan->timeout_ms < QUESTION_MAX_MS ? plan->timeout_ms : QUESTION_MAX_MS;
    upload->poll.due = false;
    return image_check_ask_image(&upload->x, &upload->check, timeout) ||
                   upload_poll_later(upload, plan)
               ? POLL_WAIT
               : POLL_FAILED;
}

static enum poll_result begin(struct upload_flow *upload, const struct poll_plan *plan)
{
    upload->poll.began_ms = clock_ms();
    upload->poll.wait_ms = 0;
    if (plan->later && upload_poll_later(upload, plan))
        return POLL_WAIT;
    return ask(upload, plan);
}

static enum poll_result read_answer(struct upload_flow *upload, const struct poll_plan *plan,
                                    struct image *seen)
{
    const struct fetch *question = &upload->check.image_question;
    unsigned status = fetch_answered(question) ? question->answer.status : 0;
    if (image_check_read(&upload->check, seen))
        return POLL_SEEN;
    if (status == 404)
        return POLL_GONE;
    if (status == 401 || status == 403)
        return POLL_DENIED;
    return upload_poll_later(upload, plan) ? POLL_WAIT : POLL_FAILED;
}

enum poll_result upload_poll(struct upload_flow *upload, const struct poll_plan *plan,
                             struct image *seen)
{
    if (upload->x.entering)
        return begin(upload, plan);
    if (upload->poll.due)
        return ask(upload, plan);
    return upload->check.image_question.over ? read_answer(upload, plan, seen) : POLL_WAIT;
}
