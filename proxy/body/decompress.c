/* SPDX-License-Identifier: Apache-2.0 */
/* Decompresses an image (compressed = decompress), in another thread (intake/decompressor.h).
 *
 * The first bytes show whether the image is compressed. They are read from any body, since they
 * also show a form that does not say so (envelope.c). If the image is compressed, the length that
 * was announced is that of the compressed data: the image's own length is x-openstack-image-size,
 * or what the data itself announces, or it is not known. What the client promised covers the bytes
 * as sent. */
#include "body/decompress_checks.h"
#include "body/hashing.h"
#include "intake/decompressor.h"
#include "intake/digest.h"
#include "intake/promises.h"
#include "intake/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* A read needs a buffer of FILTER_ROOM_MIN. */
enum { HEAD_ROOM = COMPRESSION_HEAD + FILTER_ROOM_MIN };

enum decompress_stage {
    STAGE_HEAD,    /* the first bytes are awaited */
    STAGE_OPENING, /* the decompressor has begun */
    STAGE_DECOMPRESSES,
    STAGE_PLAIN /* the image passes as it is */
};

struct decompress {
    struct filter filter;
    enum decompress_stage stage;
    char *head; /* HEAD_ROOM bytes; NULL: none are held */
    size_t head_count, head_given;
    bool ended; /* the compressed data */
    enum compression compression;
    struct decompressor *decompressor;
    struct hashing *hashing; /* of the compressed data; NULL: none of its digests was promised */
    bool promises_checked;
};

static struct decompress *of(struct filter *filter)
{
    return (struct decompress *)filter;
}

/* --- the head ------------------------------------------------------------------------------ */

/* 1, or a STREAM_ code. */
static int read_head(struct decompress *decompress)
{
    if (!decompress->head && !(decompress->head = malloc(HEAD_ROOM)))
        return filter_no_memory(&decompress->filter);
    while (!decompress->ended && decompress->head_count < COMPRESSION_HEAD) {
        ssize_t got = filter_pull(&decompress->filter, decompress->head + decompress->head_count,
                                  HEAD_ROOM - decompress->head_count);
        if (got < 0)
            return (int)got;
        decompress->ended = got == 0;
        decompress->head_count += (size_t)got;
    }
    return 1;
}

/* The head of the request was let pass with two sizes, of which one may have been the image's. */
static int pass_plain(struct decompress *decompress)
{
    struct filter *filter = &decompress->filter;
    const struct body_plan *plan = &filter->body->plan;
    decompress->stage = STAGE_PLAIN;
    if (filter->body->form != FORM_NONE || !plan->promised || !plan->length_known ||
        plan->promise == plan->length ||
        filter_report(filter, CHECK_REJECT, REFUSAL_SIZE_MISMATCH,
                      "x-openstack-image-size is %" PRIu64 ", and Content-Length is %" PRIu64,
                      plan->promise, plan->length))
        return 1;
    return STREAM_REFUSED;
}

/* --- the beginning ------------------------------------------------------------------------- */

/* The promises of a form cover the form, and envelope.c compares them. False: no memory. */
static bool hash_sent(struct decompress *decompress)
{
    const struct body *body = decompress->filter.body;
    const struct body_plan *plan = &body->plan;
    if (body->form == FORM_UNWRAPPED || !plan->promises || !plan->promises->count)
        return true;
    struct digests *set = digests_new();
    if (!set || !promised_add(plan->promises, set)) {
        digests_free(set);
        return false;
    }
    decompress->hashing =
        hashing_new(set, plan->digest_threads, plan->loop, plan->wake, plan->context);
    return decompress->hashing != NULL;
}

static bool give_compressed(struct decompress *decompress, const char *bytes, size_t count)
{
    if (decompress->hashing && !hashing_put(decompress->hashing, bytes, count))
        return false;
    decompressor_put(decompress->decompressor, bytes, count);
    return true;
}

static bool begin_decompressor(struct decompress *decompress)
{
    struct body *body = decompress->filter.body;
    const struct body_plan *plan = &body->plan;
    body->compression = BODY_DECOMPRESSED;
    decompress->stage = STAGE_OPENING;
    decompress->decompressor =
        decompressor_new(decompress->compression, !decompress_keeps_tar(plan),
                         plan->decompress_threads, plan->loop, plan->wake, plan->context);
    bool good = decompress->decompressor && hash_sent(decompress) &&
                give_compressed(decompress, decompress->head, decompress->head_count);
    if (good && decompress->ended)
        decompressor_end(decompress->decompressor);
    free(decompress->head);
    decompress->head = NULL;
    return good;
}

/* --- while it runs ------------------------------------------------------------------------- */

static int refuse(struct decompress *decompress)
{
    return decompress_refuse(&decompress->filter, decompress->compression,
                             decompressor_fault(decompress->decompressor));
}

/* Gives the decompressor more. 1: some; else a STREAM_ code. `scratch` is overwritten. */
static int feed(struct decompress *decompress, char *scratch, size_t room)
{
    room = MIN(room, decompressor_room(decompress->decompressor));
    if (decompress->hashing)
        room = MIN(room, hashing_room(decompress->hashing));
    if (decompress->ended || room < FILTER_ROOM_MIN)
        return STREAM_WAIT;
    ssize_t got = filter_pull(&decompress->filter, scratch, room);
    if (got < 0)
        return (int)got;
    decompress->ended = got == 0;
    if (got > 0 && !give_compressed(decompress, scratch, (size_t)got))
        return filter_no_memory(&decompress->filter);
    if (got == 0)
        decompressor_end(decompress->decompressor);
    return 1;
}

/* glanceclient promises the size of its file, which is compressed. That says nothing of the image.
 * The limits so far are those for the size as sent: for this one there may be others, which come
 * after body_open(). False: refused. */
static bool settle_length(struct decompress *decompress, uint64_t announced)
{
    struct body *body = decompress->filter.body;
    struct body_plan *plan = &body->plan;
    if (plan->length_known && plan->promise == plan->length)
        plan->promised = false;
    if (plan->promised && announced != UINT64_MAX && plan->promise != announced)
        return filter_refuse(&decompress->filter, REFUSAL_SIZE_MISMATCH,
                             "x-openstack-image-size is %" PRIu64
                             ", and the decompressed image has %" PRIu64 " bytes",
                             plan->promise, announced) == 1;
    body->length_known = plan->promised || announced != UINT64_MAX;
    body->length = plan->promised ? plan->promise : announced;
    return true;
}

static int await_opened(struct decompress *decompress)
{
    char scratch[FILTER_ROOM_MIN];
    uint64_t announced;
    while (!decompressor_opened(decompress->decompressor, &announced)) {
        int fed = feed(decompress, scratch, sizeof scratch);
        if (fed != 1)
            return fed;
    }
    decompress->stage = STAGE_DECOMPRESSES;
    if (decompressor_fault(decompress->decompressor))
        return refuse(decompress);
    return settle_length(decompress, announced) ? 1 : STREAM_REFUSED;
}

static int recognise(struct decompress *decompress)
{
    struct body *body = decompress->filter.body;
    int ready = read_head(decompress);
    if (ready != 1)
        return ready;
    if (!decompress_wanted(&body->plan) || body->form == FORM_KEPT)
        return pass_plain(decompress);
    decompress->compression = compression_of(decompress->head, decompress->head_count);
    if (decompress->compression == COMPRESSION_NONE ||
        decompress_leaves(&body->plan, decompress->compression))
        return pass_plain(decompress);
    if (body->plan.audit) {
        body->compression = BODY_LEFT_COMPRESSED;
        return pass_plain(decompress);
    }
    return begin_decompressor(decompress) ? 1 : filter_no_memory(&decompress->filter);
}

int decompress_open(struct filter *filter)
{
    struct decompress *decompress = of(filter);
    int ready = decompress->stage == STAGE_HEAD ? recognise(decompress) : 1;
    return ready == 1 && decompress->stage == STAGE_OPENING ? await_opened(decompress) : ready;
}

/* --- reading ------------------------------------------------------------------------------- */

static ssize_t read_plain(struct decompress *decompress, char *into, size_t room)
{
    size_t left = decompress->head_count - decompress->head_given;
    if (left) {
        size_t count = MIN(left, room);
        memcpy(into, decompress->head + decompress->head_given, count);
        decompress->head_given += count;
        return (ssize_t)count;
    }
    free(decompress->head);
    decompress->head = NULL;
    return decompress->ended ? STREAM_END : filter_pull(&decompress->filter, into, room);
}

static int check_promises(struct decompress *decompress)
{
    struct filter *filter = &decompress->filter;
    if (!decompress->hashing || decompress->promises_checked)
        return STREAM_END;
    if (!hashing_is_over(decompress->hashing))
        return STREAM_WAIT;
    decompress->promises_checked = true;
    return promised_check(filter, filter->body->plan.promises, hashing_set(decompress->hashing))
               ? STREAM_END
               : STREAM_REFUSED;
}

static ssize_t read_decompressed(struct decompress *decompress, char *into, size_t room)
{
    for (;;) {
        ssize_t got = decompressor_read(decompress->decompressor, into, room);
        if (got == STREAM_REFUSED)
            return refuse(decompress);
        if (got == STREAM_END)
            return check_promises(decompress);
        int fed = got == STREAM_WAIT ? feed(decompress, into, room) : 1;
        if (got > 0 || fed != 1)
            return got > 0 ? got : fed;
    }
}

static ssize_t read_decompress(struct filter *filter, void *into, size_t room)
{
    struct decompress *decompress = of(filter);
    int ready = decompress_open(filter);
    if (ready != 1)
        return ready;
    return decompress->stage == STAGE_PLAIN ? read_plain(decompress, into, room)
                                            : read_decompressed(decompress, into, room);
}

static uint64_t splice_budget(const struct filter *filter)
{
    const struct decompress *decompress = (const struct decompress *)filter;
    bool plain = decompress->stage == STAGE_PLAIN && !decompress->ended &&
                 decompress->head_given == decompress->head_count;
    return plain ? UINT64_MAX : 0;
}

static void end(struct filter *filter)
{
    decompressor_free(of(filter)->decompressor);
    hashing_free(of(filter)->hashing);
    free(of(filter)->head);
}

const struct filter_kind filter_decompress = {
    .phase = FILTER_DECOMPRESS,
    .size = sizeof(struct decompress),
    .prepare = decompress_open,
    .read = read_decompress,
    .splice_budget = splice_budget,
    .end = end,
};
