/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps an upload on disk until its data is whole (backing = spool). Glance then gets it in one go,
 * and the digests are computed from the disk.
 *
 * What has come stays on disk if the upload can be gone on with: after a lost client, a full disk,
 * a Glance that failed, or a stop of the proxy. Another upload then goes on with it (continue.c).
 */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/held_uploads.h"
#include "intake/kept_upload.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <stdio.h>
#include <string.h>
#include <sys/param.h>

enum { IN_USE_MS = 2000, RETRY_MS = 100 }; /* while another upload has the file */

static const uint64_t SAVE_EVERY = 64 << 20; /* bytes between two states while data comes */

static const struct settings *settings_of(const struct upload_flow *upload)
{
    return upload->x.snapshot->settings;
}

/* --- opening ------------------------------------------------------------------------------ */

static void wake(void *context)
{
    upload_wake(upload_of(context));
}

/* The digests that were promised are compared with the whole, perhaps by a later process. */
static bool take_promises(const struct headers *from, struct headers *to)
{
    static const char *const names[] = {"Repr-Digest", "Content-Digest", "Digest", "Content-MD5"};
    bool good = true;
    headers_each(row, from)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (header_name_is(row->name, names[i]))
                good = good && headers_add(to, row->name, row->value);
    return good;
}

static struct kept_upload *open_file(struct upload_flow *upload, struct kept_facts *facts)
{
    const struct exchange *x = &upload->x;
    const struct settings *settings = settings_of(upload);
    const struct kept_plan plan = {.thread_pool = x->parts->thread_pool,
                                   .spools = x->parts->spools,
                                   .loop = x->parts->loop,
                                   .spool_dir = settings->upload.spool_dir,
                                   .limit = settings->upload.spool_limit,
                                   .window_ms = settings->resume.window,
                                   .wake = wake,
                                   .context = upload};
    if (!take_promises(&client_head(x->client)->headers, &facts->promises))
        return NULL;
    return upload->creation.continues ? kept_upload_open(&plan, facts->image)
                                      : kept_upload_create(&plan, facts);
}

static enum step_result start(struct upload_flow *upload)
{
    struct kept_facts facts = {.length = upload_length(upload),
                               .expires_wall_ms =
                                   clock_wall_ms() + settings_of(upload)->resume.window,
                               .project = upload->check.image.owner,
                               .store = (char *)upload->check.decision.store};
    snprintf(facts.image, sizeof facts.image, "%.*s", KEPT_IMAGE_MAX, upload_image_id(upload));
    upload->keep.file = open_file(upload, &facts);
    headers_free(&facts.promises); /* the rest is borrowed */
    return upload->keep.file ? STEP_WAIT : exchange_no_memory(&upload->x);
}

static bool has_space(const struct upload_flow *upload)
{
    uint64_t limit = settings_of(upload)->upload.spool_limit;
    uint64_t used = spools_used(upload->x.parts->spools);
    return upload->creation.continues || (used <= limit && upload_length(upload) <= limit - used);
}

static void close_unused(struct upload_flow *upload)
{
    kept_upload_free(upload->keep.file, KEPT_STAYS);
    upload->keep.file = NULL;
}

/* A file is in use for a moment after its upload has ended. */
static enum step_result wait_for_file(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    uint64_t now = clock_ms();
    close_unused(upload);
    if (!upload->keep.wait_began_ms)
        upload->keep.wait_began_ms = now;
    if (now - upload->keep.wait_began_ms > IN_USE_MS)
        return exchange_refuse_for(x, REFUSAL_UPLOAD_MOVING, "%s",
                                   "another connection is sending it");
    exchange_wait_at_most(x, RETRY_MS);
    return STEP_WAIT;
}

static enum step_result is_open(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct kept_facts *facts = kept_upload_facts(upload->keep.file);
    upload->source.taken = upload->keep.saved = facts->offset;
    if (upload->creation.continues) {
        enum step_result result = upload_check_continued(upload);
        if (result != STEP_NEXT)
            return result;
    }
    upload_open_opening(upload);
    upload_hold_prepare(upload);
    return upload->hold.entry ? STEP_NEXT : exchange_no_memory(x);
}

static enum step_result refuse_unopened(struct upload_flow *upload, enum kept_state state)
{
    struct exchange *x = &upload->x;
    close_unused(upload);
    if (state == KEPT_GONE) {
        held_uploads_drop(x->parts->held_uploads, upload_image_id(upload), "its file is gone");
        return upload_refuse_at(upload, REFUSAL_OFFSET_MISMATCH, 0, "nothing of it is held");
    }
    return exchange_refuse_for(x, REFUSAL_SPOOL_FULL, "%s",
                               state == KEPT_FULL ? "" : "its disk has failed");
}

enum step_result upload_open_kept(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering && !upload_is_to_be_kept(upload))
        return STEP_NEXT;
    if (x->entering && !settings_of(upload)->upload.spool_dir) /* since the upload was begun */
        return exchange_refuse_for(x, REFUSAL_SPOOL_FULL, "%s", "there is no spool_dir now");
    if (x->entering && !has_space(upload))
        return exchange_refuse(x, REFUSAL_SPOOL_FULL);
    if (!upload_is_kept(upload))
        return x->entering || x->step_timer_fired ? start(upload) : STEP_WAIT;
    enum kept_state state = kept_upload_state(upload->keep.file);
    switch (state) {
    case KEPT_OPENING:
        return STEP_WAIT;
    case KEPT_IN_USE:
        return wait_for_file(upload);
    case KEPT_OPEN:
        return is_open(upload);
    default:
        return refuse_unopened(upload, state);
    }
}

/* --- filling ------------------------------------------------------------------------------ */

static struct spool *spool_of(const struct upload_flow *upload)
{
    return kept_upload_spool(upload->keep.file);
}

/* The disk is busy, or has failed. What is there can be gone on with. */
static enum step_result wait_for_disk(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    switch (spool_fault(spool_of(upload))) {
    case SPOOL_GOOD:
        return STEP_WAIT;
    case SPOOL_NO_MEMORY:
        return exchange_no_memory(x);
    case SPOOL_FULL:
        x->refused.resumable = true;
        return exchange_refuse(x, REFUSAL_SPOOL_FULL);
    default:
        return exchange_refuse_for(x, REFUSAL_SPOOL_FULL, "%s", "its disk has failed");
    }
}

static void put(struct upload_flow *upload, const char *bytes, size_t count)
{
    struct spool *spool = spool_of(upload);
    upload_put_opening(upload, bytes, count);
    spool_put(spool, count);
    atomic_store_explicit(&upload->x.record->spooled, spool_size(spool), memory_order_relaxed);
    if (spool_written(spool) - upload->keep.saved >= SAVE_EVERY)
        upload_save_kept(upload);
}

/* 1: the spool has all data. Else as body_prepare(). */
static int fill(struct upload_flow *upload)
{
    for (;;) {
        size_t room;
        ssize_t dropped = upload_drop_repeated(upload);
        if (dropped != 1)
            return (int)dropped;
        char *into = spool_room(spool_of(upload), &room);
        if (!into)
            return STREAM_WAIT;
        ssize_t got = upload_source_read(upload, into, room);
        if (got < 0)
            return (int)got;
        if (got == 0)
            return 1;
        put(upload, into, (size_t)got);
    }
}

/* When all that has come is in the file. */
static void save_held(struct upload_flow *upload)
{
    const struct spool *spool = spool_of(upload);
    if (spool_written(spool) == spool_size(spool) && spool_written(spool) != upload->keep.saved)
        upload_save_kept(upload);
}

enum step_result upload_collect(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (!upload_is_kept(upload))
        return STEP_NEXT;
    if (x->entering)
        upload_set_state(upload, RECORD_SPOOLING);
    int filled = fill(upload);
    if (filled == STREAM_LOST)
        return exchange_drop_client(x);
    if (filled == STREAM_REFUSED)
        return STEP_REFUSE;
    enum step_result judged = upload_judge_opening(upload);
    if (judged != STEP_NEXT)
        return judged;
    bool whole = filled == 1 && upload_flush_kept(upload) && spool_end(spool_of(upload));
    if (upload->hold.held)
        save_held(upload);
    return whole ? STEP_NEXT : wait_for_disk(upload);
}
