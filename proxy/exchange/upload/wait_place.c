/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until there is a place for the upload at an endpoint of Glance (upload_queue.h).
 *
 * An upload that is sent while it comes has its place before 100 Continue. An upload that is
 * spooled first takes its place when it is complete, and one that was created before its data came
 * when its first bytes have come. The place is given back when the transfer has
 * ended, also if Glance takes long to answer.
 *
 * The transfer goes to the endpoint of the place and to no other. If that endpoint cannot be
 * reached, nothing was sent, and the upload waits for a place at another one. */
#include "exchange/upload/upload_steps.h"

#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/upload_queue.h"

/* --- the place ------------------------------------------------------------------------------ */

static bool enter_queue(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct settings *settings = x->snapshot->settings;
    const struct upload_queue_entry entry = {
        .urls = settings->glance.endpoints,
        .count = settings->glance.endpoint_count,
        .tried = upload->queue.tried,
        .preferred = (int)x->glance.same_endpoint - 1,
        .loop = x->parts->loop,
        .wake = exchange_wake_by,
        .context = x,
    };
    upload->queue.ticket = upload_queue_enter(x->parts->upload_queue, &entry);
    return upload->queue.ticket != NULL;
}

static enum step_result take_place(struct upload_flow *upload, int endpoint)
{
    upload_end_wait(upload);
    upload->x.glance.same_endpoint = (unsigned)endpoint + 1;
    upload->queue.limited = upload_ticket_limited(upload->queue.ticket);
    return STEP_NEXT;
}

static enum step_result look(struct upload_flow *upload)
{
    uint64_t limit = upload->x.snapshot->settings->glance.queue_timeout;
    int endpoint = upload_ticket_endpoint(upload->queue.ticket);
    if (endpoint != UPLOAD_TICKET_WAITS)
        return take_place(upload, endpoint);
    if (upload->x.step_timer_fired) /* an endpoint that was out may be up */
        upload_ticket_retry(upload->queue.ticket);
    enum step_result result = upload_wait_at_most(upload, limit ? limit : UINT64_MAX);
    if (result == STEP_REFUSE) /* the next upload does not wait until the refusal is sent */
        upload_give_place_back(upload);
    return result;
}

/* An upload without data takes no time. */
enum step_result upload_wait_place(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering && (upload->queue.ticket || !upload_has_body(upload)))
        return STEP_NEXT;
    if (x->entering) {
        x->step_timer_fired = false;
        if (!enter_queue(upload))
            return exchange_no_memory(x);
    }
    return look(upload);
}

enum step_result upload_wait_place_early(struct exchange *x)
{
    const struct upload_flow *upload = upload_of(x);
    bool later =
        upload->creation.wanted || upload_is_to_be_kept(upload) || upload_is_spooled_first(upload);
    return x->entering && later ? STEP_NEXT : upload_wait_place(x);
}

void upload_give_place_back(struct upload_flow *upload)
{
    upload_end_wait(upload);
    upload_ticket_leave(upload->queue.ticket);
    upload->queue.ticket = NULL;
}

/* --- another endpoint ----------------------------------------------------------------------- */

enum step_result upload_queue_again(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct step *step = x->step;
    if (upload->creation.wanted || upload_is_kept(upload))
        upload->send = (struct send_state){0}; /* its data goes on meanwhile */
    else
        upload_hold_end(upload); /* nothing can be resumed before it is sent again */
    while (step->run != upload_wait_place)
        step--;
    exchange_enter(x, step);
    return STEP_ENTERED;
}

bool upload_may_go_elsewhere(struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    unsigned all = (1U << x->snapshot->settings->glance.endpoint_count) - 1;
    if (!upload->queue.limited)
        return false; /* the transfer has tried all endpoints itself */
    upload->queue.tried |= 1U << (x->glance.same_endpoint - 1);
    return (upload->queue.tried & all) != all;
}
