/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps an image on disk until its end has come:
 *
 * - An image of unknown length, so that Glance gets a Content-Length. Without one, Glance's S3
 *   driver reads the whole image into memory.
 * - An image that comes slowly (slow = spool), so that it occupies a process of Glance only for a
 *   short time. While that is measured, the bytes are held in the same spool. If the image is fast,
 *   these bytes are read first, and then the rest as it comes.
 */
#include "body/body_priv.h"
#include "body/pace.h"
#include "intake/clock.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <assert.h>
#include <sys/param.h>

static_assert(SPOOL_ROOM_MIN >= (int)FILTER_ROOM_MIN,
              "a spool's block is large enough for any filter");

enum spool_reason { SPOOL_NOTHING, SPOOL_FOR_LENGTH, SPOOL_FOR_PACE };

struct spooler {
    struct filter filter;
    struct spool *spool; /* NULL: the bytes are not spooled, or the rest is not */
    enum spool_reason reason;
    enum pace pace;    /* with SPOOL_FOR_PACE */
    uint64_t began_ms; /* clock_ms() of the first byte */
    bool in_block;     /* the disk has no space: the bytes so far must fit into the block */
    bool filled;       /* the end of the image is in the spool */
    uint64_t given;    /* bytes read from the spool */
};

static struct spooler *of(struct filter *filter)
{
    return (struct spooler *)filter;
}

/* In audit mode nothing is spooled. */
static enum spool_reason reason_for(const struct body *body)
{
    if (body->plan.audit)
        return SPOOL_NOTHING;
    if (!body->length_known && body->plan.spools_unknown_length)
        return SPOOL_FOR_LENGTH;
    bool may_be_slow = body->plan.settings->upload.slow == SLOW_UPLOAD_SPOOL && !body->plan.on_disk;
    return may_be_slow ? SPOOL_FOR_PACE : SPOOL_NOTHING;
}

/* The opening is in memory. Nothing is spooled if that is all. */
static bool is_whole(const struct body *body)
{
    return body->length_known && body->measured >= body->length;
}

static bool begin(struct filter *filter)
{
    of(filter)->began_ms = clock_ms();
    return true;
}

/* --- the pace ------------------------------------------------------------------------------- */

/* The bytes that are not with the spool yet count, too: inspect.c holds the opening. */
static void judge_pace(struct spooler *spooler)
{
    const struct body *body = spooler->filter.body;
    if (spooler->pace == PACE_UNDECIDED)
        spooler->pace = pace_judge(body->measured, clock_ms() - spooler->began_ms,
                                   body->plan.settings->upload.slow_rate);
}

/* Without space on disk the bytes of one block have to be enough. */
static void judge_full_block(struct spooler *spooler)
{
    uint64_t ms = clock_ms() - spooler->began_ms;
    uint64_t rate = spooler->filter.body->plan.settings->upload.slow_rate;
    bool full = spool_size(spooler->spool) + SPOOL_ROOM_MIN > SPOOL_BLOCK;
    if (spooler->pace == PACE_UNDECIDED && full)
        spooler->pace = spooler->filter.body->measured * 1000 >= rate * MIN(ms, PACE_MAX_MS)
                            ? PACE_FAST
                            : PACE_SLOW;
}

/* The size of an image in a form is not larger than this. */
static bool reserve_rest(struct spooler *spooler)
{
    const struct body *body = spooler->filter.body;
    return !body->length_known || spool_reserve(spooler->spool, body->length);
}

/* False: the image is slow, and there is no space for it. */
static bool decide_pace(struct spooler *spooler)
{
    if (spooler->reason != SPOOL_FOR_PACE || spooler->pace == PACE_FAST)
        return true;
    judge_pace(spooler);
    if (spooler->in_block)
        judge_full_block(spooler);
    return spooler->pace != PACE_SLOW || reserve_rest(spooler);
}

/* Reserves space for the bytes that arrive before the pace is known. */
static void reserve_opening(struct spooler *spooler)
{
    const struct body *body = spooler->filter.body;
    uint64_t most = pace_bytes_max(body->plan.settings->upload.slow_rate) + 2 * SPOOL_BLOCK;
    spooler->in_block =
        spooler->reason == SPOOL_FOR_PACE &&
        !spool_reserve(spooler->spool, body->length_known ? MIN(most, body->length) : most);
}

bool spool_filter_is_slow(struct filter *filter)
{
    struct spooler *spooler = of(filter);
    if (reason_for(filter->body) != SPOOL_FOR_PACE || spooler->filled || is_whole(filter->body))
        return spooler->reason == SPOOL_FOR_PACE && spooler->pace == PACE_SLOW;
    judge_pace(spooler);
    return spooler->pace == PACE_SLOW;
}

/* --- filling -------------------------------------------------------------------------------- */

static bool open_spool(struct spooler *spooler)
{
    const struct body_plan *plan = &spooler->filter.body->plan;
    spooler->spool = spool_new(plan->spools, plan->loop, plan->settings->upload.spool_dir,
                               plan->settings->upload.spool_limit, plan->wake, plan->context);
    if (spooler->spool)
        reserve_opening(spooler);
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

/* 1: the whole body is in the spool, or the rest of a fast one is not spooled. */
static int fill(struct spooler *spooler)
{
    while (!spooler->filled) {
        size_t room;
        if (!decide_pace(spooler))
            return filter_refuse(&spooler->filter, REFUSAL_SPOOL_FULL, "%s", "");
        if (spooler->pace == PACE_FAST)
            break;
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
    if (!spooler->spool && !is_whole(body))
        spooler->reason = reason_for(body);
    if (spooler->reason == SPOOL_NOTHING)
        return 1;
    if (!spooler->spool && !open_spool(spooler))
        return filter_no_memory(filter);
    int ready = fill(spooler);
    if (ready == 1 && spooler->filled && !body->length_known) {
        body->length_known = true;
        body->length = spool_size(spooler->spool);
    }
    return ready;
}

/* After the held bytes of a fast image, which may be none, the rest comes from the client, and may
 * be spliced. */
static void leave_spool(struct spooler *spooler)
{
    if (!spooler->spool || spooler->filled || spooler->given < spool_size(spooler->spool))
        return;
    spool_free(spooler->spool);
    spooler->spool = NULL;
}

static ssize_t read_spooled(struct filter *filter, void *into, size_t room)
{
    struct spooler *spooler = of(filter);
    leave_spool(spooler);
    if (!spooler->spool)
        return filter_pull(filter, into, room);
    ssize_t got = spool_read(spooler->spool, into, room);
    assert(got != STREAM_END || spooler->filled);
    if (got > 0)
        spooler->given += (uint64_t)got;
    leave_spool(spooler);
    return got == STREAM_WAIT ? waiting(spooler) : got;
}

static void end(struct filter *filter)
{
    spool_free(of(filter)->spool);
}

uint64_t spool_filter_count(const struct filter *filter)
{
    const struct spooler *spooler = (const struct spooler *)filter;
    bool kept =
        spooler->spool && (spooler->reason == SPOOL_FOR_LENGTH || spooler->pace == PACE_SLOW);
    return kept ? spool_size(spooler->spool) : 0;
}

bool spool_filter_has_all(const struct filter *filter)
{
    const struct spooler *spooler = (const struct spooler *)filter;
    return spooler->spool && spooler->filled && !spool_fault(spooler->spool);
}

static bool rewind_spool(struct filter *filter)
{
    of(filter)->given = 0;
    spool_rewind(of(filter)->spool);
    return true;
}

static uint64_t splice_budget(const struct filter *filter)
{
    return ((const struct spooler *)filter)->spool ? 0 : UINT64_MAX;
}

const struct filter_kind filter_spool = {
    .phase = FILTER_SPOOL,
    .size = sizeof(struct spooler),
    .begin = begin,
    .splice_budget = splice_budget,
    .prepare = prepare,
    .read = read_spooled,
    .rewind = rewind_spool,
    .end = end,
};
