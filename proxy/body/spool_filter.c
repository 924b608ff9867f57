/* SPDX-License-Identifier: Apache-2.0 */
/* Spools an image of unknown length until its end has come, so that Glance gets a Content-Length.
 * Without one, Glance's S3 driver reads the whole image into memory. */
#include "body/body_priv.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <assert.h>

static_assert(SPOOL_ROOM_MIN >= (int)FILTER_ROOM_MIN,
              "a spool's block is large enough for any filter");

struct spooler {
    struct filter filter;
    struct spool *spool; /* NULL: the bytes are not spooled */
    bool filled;
};

static struct spooler *of(struct filter *filter)
{
    return (struct spooler *)filter;
}

static bool wanted(const struct body *body)
{
    return !body->length_known && !body->plan.audit &&
           body->plan.settings->upload.unknown_length == UNKNOWN_LENGTH_SPOOL;
}

static bool open_spool(struct spooler *spooler)
{
    const struct body_plan *plan = &spooler->filter.body->plan;
    spooler->spool = spool_new(plan->spools, plan->loop, plan->settings->upload.spool_dir,
                               plan->settings->upload.spool_limit, plan->wake, plan->context);
    return spooler->spool != NULL;
}

/* Returns STREAM_WAIT while the disk is busy. Refuses after a fault. */
static int waiting(struct spooler *spooler)
{
    switch (spool_fault(spooler->spool)) {
    case SPOOL_GOOD:
        return STREAM_WAIT;
    case SPOOL_FULL:
        return filter_refuse(&spooler->filter, REFUSAL_SPOOL_FULL, "%s", "");
    case SPOOL_NO_MEMORY:
        return filter_no_memory(&spooler->filter);
    default:
        return filter_refuse(&spooler->filter, REFUSAL_SPOOL_FULL, "%s", "its disk has failed");
    }
}

/* 1: the whole body is on disk. */
static int fill(struct spooler *spooler)
{
    while (!spooler->filled) {
        size_t room;
        char *into = spool_room(spooler->spool, &room);
        if (!into)
            return waiting(spooler);
        ssize_t got = filter_pull(&spooler->filter, into, room);
        if (got < 0)
            return (int)got;
        if (got > 0)
            spool_put(spooler->spool, (size_t)got);
        spooler->filled = got == 0;
    }
    return spool_end(spooler->spool) ? 1 : waiting(spooler);
}

static int prepare(struct filter *filter)
{
    struct spooler *spooler = of(filter);
    struct body *body = filter->body;
    if (!wanted(body))
        return 1;
    if (!spooler->spool && !open_spool(spooler))
        return filter_no_memory(filter);
    int ready = fill(spooler);
    if (ready == 1) {
        body->length_known = true;
        body->length = spool_size(spooler->spool);
    }
    return ready;
}

static ssize_t read_spooled(struct filter *filter, void *into, size_t room)
{
    struct spooler *spooler = of(filter);
    if (!spooler->spool)
        return filter_pull(filter, into, room);
    ssize_t got = spool_read(spooler->spool, into, room);
    return got == STREAM_WAIT ? waiting(spooler) : got;
}

static void end(struct filter *filter)
{
    spool_free(of(filter)->spool);
}

uint64_t spool_filter_count(const struct filter *filter)
{
    const struct spooler *spooler = (const struct spooler *)filter;
    return spooler->spool ? spool_size(spooler->spool) : 0;
}

static uint64_t splice_budget(const struct filter *filter)
{
    return ((const struct spooler *)filter)->spool ? 0 : UINT64_MAX;
}

const struct filter_kind filter_spool = {
    .phase = FILTER_SPOOL,
    .size = sizeof(struct spooler),
    .splice_budget = splice_budget,
    .prepare = prepare,
    .read = read_spooled,
    .end = end,
};
