/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes an image that an upload has created and that is not to stay. Its exchange has ended: the
 * removal belongs to the worker, which does not end before it while it drains.
 *
 * Glance may be away. So the deletion is tried again, later each time, for about two minutes. If
 * the answer to the creation was lost, the image may come into being after a deletion that did not
 * find it: then a 404 counts only when it comes for the last time. When the worker is stopped, each
 * removal is tried once more, and not for long. */
#include "exchange/new_image/new_image_flow.h"

#include "intake/exchange.h"
#include "intake/list.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIES = 8,
    FIRST_WAIT_MS = 1000, /* it doubles */
    ANSWER_MS = 15000,
    LOST_TRIES = 4, /* after a creation whose answer was lost */
    STOPPING_MS = 3000
};

struct removal {
    struct exchange_parts *parts;
    struct snapshot *snapshot;
    struct list place; /* in parts->removals */
    struct headers fields;
    char image[IMAGE_ID_MAX + 1];
    char request[REQUEST_ID_MAX + 1];
    struct repetition *running; /* the same request waits for the end of this */
    bool certain;               /* Glance has said that it created the image */
    unsigned tries;
    struct fetch fetch;
    struct timer timer;
};

static void end(struct removal *removal)
{
    struct exchange_parts *parts = removal->parts;
    fetch_end(&removal->fetch);
    timer_cancel(parts->loop, &removal->timer);
    list_remove(&removal->place);
    repetition_end(parts->repetitions, removal->running, NULL);
    headers_free(&removal->fields);
    snapshot_release(removal->snapshot);
    free(removal);
    if (parts->removals_are_last && list_is_empty(&parts->removals))
        loop_stop(parts->loop);
}

/* --- one try --------------------------------------------------------------------------------- */

static void give_up(struct removal *removal, const char *why)
{
    log_say(LOG_LEVEL_WARNING,
            "request %s has failed, and its image %s could not be deleted: %s. To delete it: "
            "openstack image delete %s",
            removal->request, removal->image, why, removal->image);
    end(removal);
}

static uint64_t wait_of(const struct removal *removal)
{
    uint64_t wait = FIRST_WAIT_MS;
    for (unsigned i = 1; i < removal->tries && i < TRIES; i++)
        wait *= 2;
    return wait;
}

static void try_again(struct removal *removal, const char *why)
{
    unsigned most = removal->parts->removals_are_last ? 1 : TRIES;
    if (removal->tries >= most ||
        !timer_set(removal->parts->loop, &removal->timer, wait_of(removal)))
        give_up(removal, why);
}

/* A 404 to an image that may not have come into being yet. */
static void look_again(struct removal *removal)
{
    bool last = removal->parts->removals_are_last || removal->tries >= LOST_TRIES;
    if (last || !timer_set(removal->parts->loop, &removal->timer, wait_of(removal)))
        end(removal);
}

static void judge(void *context)
{
    struct removal *removal = context;
    struct fetch *fetch = &removal->fetch;
    unsigned status = fetch_answered(fetch) ? fetch->answer.status : 0;
    char why[192];
    if (status)
        snprintf(why, sizeof why, "Glance answers %u", status);
    else
        snprintf(why, sizeof why, "Glance does not answer (%s)", fetch->detail);
    fetch_end(fetch);
    if (status / 100 == 2 || (status == 404 && removal->certain))
        end(removal);
    else if (status == 404)
        look_again(removal);
    else if (status == 401 || status == 403)
        give_up(removal, why);
    else
        try_again(removal, why);
}

static void start(struct removal *removal)
{
    const struct settings *settings = removal->snapshot->settings;
    char target[IMAGE_ID_MAX + sizeof "/v2/images/"];
    snprintf(target, sizeof target, "/v2/images/%s", removal->image);
    const struct upstream_request request = {
        .method = "DELETE",
        .target = target,
        .headers = &removal->fields,
        .timeout = removal->parts->removals_are_last ? STOPPING_MS : ANSWER_MS};
    removal->tries++;
    if (!fetch_start(&removal->fetch, removal->parts->glance, settings, &request, judge, removal))
        try_again(removal, "there is no memory");
}

static void due(struct timer *timer)
{
    start(CONTAINER_OF(timer, struct removal, timer));
}

/* --- the beginning --------------------------------------------------------------------------- */

static bool copy_fields(const struct headers *from, struct headers *to)
{
    bool good = true;
    headers_each(row, from)
        good = good && headers_add(to, row->name, row->value);
    return good;
}

static struct removal *removal_new(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    struct removal *removal = calloc(1, sizeof *removal);
    if (!removal)
        return NULL;
    if (!copy_fields(&flow->upload.check.fields, &removal->fields)) {
        headers_free(&removal->fields);
        free(removal);
        return NULL;
    }
    removal->parts = x->parts;
    removal->snapshot = snapshot_hold(x->snapshot);
    removal->certain = flow->state == NEW_IMAGE_MADE;
    removal->timer.fire = due;
    removal->running = flow->repeat.running;
    flow->repeat.running = NULL;
    memcpy(removal->image, x->request.route.image_id, sizeof removal->image);
    memcpy(removal->request, x->request.id, sizeof removal->request);
    list_insert(&x->parts->removals, &removal->place);
    return removal;
}

/* It may be called from within a call of libmicrohttpd, so the request is sent a moment later. */
void new_image_undo(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    if (flow->state != NEW_IMAGE_ASKED && flow->state != NEW_IMAGE_MADE)
        return;
    struct removal *removal = removal_new(flow);
    flow->state = NEW_IMAGE_GIVEN_UP;
    if (!removal)
        request_say(&x->request, LOG_LEVEL_ERROR,
                    "out of memory: the image %s was not deleted; to delete it: openstack image "
                    "delete %s",
                    x->request.route.image_id, x->request.route.image_id);
    else if (!timer_set(x->parts->loop, &removal->timer, 0))
        give_up(removal, "there is no memory");
}

/* --- the end of the worker ------------------------------------------------------------------- */

static void time_is_over(struct timer *timer)
{
    struct exchange_parts *parts = CONTAINER_OF(timer, struct exchange_parts, removals_timer);
    struct removal *removal;
    while ((removal = LIST_TAKE_FIRST(&parts->removals, struct removal, place)))
        give_up(removal, "the proxy was stopped");
}

/* One more try for each that waits for one. */
static void hurry(struct exchange_parts *parts)
{
    LIST_EACH(removal, &parts->removals, struct removal, place)
        if (!removal->fetch.begun)
            timer_set(parts->loop, &removal->timer, 0); /* it has one: no memory is needed */
}

void exchange_finish_removals(struct exchange_parts *parts)
{
    parts->removals_are_last = true;
    parts->removals_timer.fire = time_is_over;
    if (list_is_empty(&parts->removals))
        return;
    hurry(parts);
    if (!timer_set(parts->loop, &parts->removals_timer, STOPPING_MS))
        time_is_over(&parts->removals_timer);
    while (!list_is_empty(&parts->removals))
        loop_run_again(parts->loop);
    timer_cancel(parts->loop, &parts->removals_timer);
}
