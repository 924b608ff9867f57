/* SPDX-License-Identifier: Apache-2.0 */
/* An image whose length nobody has said is kept in a spool until its end is there, so that Glance
 * gets a Content-Length: without one its S3 driver takes all of it into memory. */
#include "body/body_priv.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <assert.h>

static_assert(SPOOL_ROOM_MIN >= (int)FILTER_ROOM_MIN,
              "a spool's block takes whatever a filter gives");

struct keep {
    struct filter filter;
    struct spool *spool; /* NULL: the bytes pass by */
    bool filled;
};

static struct keep *of(struct filter *filter)
{
    return (struct keep *)filter;
}

static bool wanted(const struct body *body)
{
    return !body->length_known && !body->plan.audit &&
           body->plan.settings->upload.unknown_length == UNKNOWN_LENGTH_SPOOL;
}

static bool open_spool(struct keep *keep)
{
    const struct body_plan *plan = &keep->filter.body->plan;
    keep->spool = spool_new(plan->spools, plan->loop, plan->settings->upload.spool_dir,
                            plan->settings->upload.spool_limit, plan->wake, plan->context);
    return keep->spool != NULL;
}

/* Why there is nothing to do just now: the disk is busy, or it went wrong. */
static int waiting(struct keep *keep)
{
    switch (spool_fault(keep->spool)) {
    case SPOOL_GOOD:
        return STREAM_WAIT;
    case SPOOL_FULL:
        return filter_refuse(&keep->filter, REFUSAL_SPOOL_FULL, "%s", "");
    case SPOOL_NO_MEMORY:
        return filter_no_memory(&keep->filter);
    default:
        return filter_refuse(&keep->filter, REFUSAL_SPOOL_FULL, "%s", "its disk has failed");
    }
}

/* 1: the body is whole, and on the disk. */
static int fill(struct keep *keep)
{
    while (!keep->filled) {
        size_t room;
        char *into = spool_room(keep->spool, &room);
        if (!into)
            return waiting(keep);
        ssize_t got = filter_pull(&keep->filter, into, room);
        if (got < 0)
            return (int)got;
        if (got > 0)
            spool_put(keep->spool, (size_t)got);
        keep->filled = got == 0;
    }
    return spool_end(keep->spool) ? 1 : waiting(keep);
}

static int prepare(struct filter *filter)
{
    struct keep *keep = of(filter);
    struct body *body = filter->body;
    if (!wanted(body))
        return 1;
    if (!keep->spool && !open_spool(keep))
        return filter_no_memory(filter);
    int ready = fill(keep);
    if (ready == 1) {
        body->length_known = true;
        body->length = spool_size(keep->spool);
    }
    return ready;
}

static ssize_t read_keep(struct filter *filter, void *into, size_t room)
{
    struct keep *keep = of(filter);
    if (!keep->spool)
        return filter_pull(filter, into, room);
    ssize_t got = spool_read(keep->spool, into, room);
    return got == STREAM_WAIT ? waiting(keep) : got;
}

static void end(struct filter *filter)
{
    spool_free(of(filter)->spool);
}

uint64_t spool_filter_count(const struct filter *filter)
{
    const struct keep *keep = (const struct keep *)filter;
    return keep->spool ? spool_size(keep->spool) : 0;
}

static uint64_t splice_budget(const struct filter *filter)
{
    return ((const struct keep *)filter)->spool ? 0 : UINT64_MAX;
}

const struct filter_kind filter_spool = {
    .phase = FILTER_SPOOL,
    .size = sizeof(struct keep),
    .splice_budget = splice_budget,
    .prepare = prepare,
    .read = read_keep,
    .end = end,
};
