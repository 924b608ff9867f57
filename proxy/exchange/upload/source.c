/* SPDX-License-Identifier: Apache-2.0 */
/* Where the body of an upload comes from: its client; a client that goes on with it (resumption.h);
 * or nobody, while the upload is held.
 *
 * The filters of the body notice no change of the source: they wait. Nor do they see what a client
 * sends again (repeated.c). */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/held_uploads.h"
#include "intake/resumption.h"
#include "intake/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

/* For other requests to this image. */
static ssize_t note(struct upload_flow *upload, ssize_t got)
{
    struct upload_source *source = &upload->source;
    uint64_t count = got > 0 ? (uint64_t)got : 0;
    source->taken += count;
    source->brought += count;
    if (upload->hold.entry && got > 0)
        held_upload_moved(upload->hold.entry, upload_told_offset(upload));
    if (upload->hold.entry && got == STREAM_WAIT)
        held_upload_waits(upload->hold.entry);
    return got;
}

/* What a client is told to be here is on disk, if the upload is kept there. */
static ssize_t end_part(struct upload_flow *upload)
{
    if (!upload_flush_kept(upload))
        return STREAM_WAIT;
    return upload_end_part(upload) ? STREAM_WAIT : STREAM_LOST;
}

/* A client that creates an upload may send a first part of its data. */
static bool is_end_of_part(const struct upload_flow *upload, ssize_t got)
{
    return got == STREAM_END && upload->creation.wanted &&
           upload->source.taken < upload_data_length(upload);
}

static ssize_t from_client(struct upload_flow *upload, ssize_t got)
{
    if (is_end_of_part(upload, got))
        return end_part(upload);
    bool held = got == STREAM_LOST && upload->x.client && upload_hold(upload, CLIENT_VANISHED);
    return held ? STREAM_WAIT : note(upload, got);
}

/* --- a client that goes on with it ---------------------------------------------------------- */

static ssize_t wait_for_bytes(struct upload_flow *upload)
{
    if (!watch_set(upload->x.parts->loop, &upload->source.watch, LOOP_READ))
        return upload_hold(upload, CLIENT_NO_MEMORY) ? STREAM_WAIT : STREAM_LOST;
    return note(upload, STREAM_WAIT);
}

static ssize_t from_resumption(struct upload_flow *upload, ssize_t got)
{
    if (got == STREAM_WAIT)
        return wait_for_bytes(upload);
    if (got == STREAM_NO_SPLICE)
        return got;
    if (got <= 0)
        return upload_hold(upload, CLIENT_VANISHED) ? STREAM_WAIT : STREAM_LOST;
    upload->source.left -= (uint64_t)got;
    return note(upload, got);
}

/* The code if there is nothing to read now, else 1. */
static ssize_t before_reading(struct upload_flow *upload)
{
    const struct upload_source *source = &upload->source;
    if (source->taken == upload_data_length(upload))
        return STREAM_END;
    if (source->kind == SOURCE_NONE)
        return STREAM_WAIT;
    if (source->left == 0)
        return end_part(upload);
    return 1;
}

/* --- what comes again ---------------------------------------------------------------------- */

static ssize_t read_repeated(struct upload_flow *upload)
{
    struct upload_source *source = &upload->source;
    struct client *client = upload->x.client;
    size_t room;
    char *into = upload_repeated_room(upload, &room);
    if (source->kind == SOURCE_CLIENT)
        return client ? client_read(client, into, room) : STREAM_LOST;
    ssize_t got = net_read(&source->socket, into, MIN(room, source->left));
    source->left -= got > 0 ? (uint64_t)got : 0;
    return got;
}

/* What is here stays as it is. */
static ssize_t refuse_repeated(struct upload_flow *upload)
{
    char detail[128];
    snprintf(detail, sizeof detail,
             "what comes again is not what came before; go on after %" PRIu64 " bytes",
             upload->source.taken);
    if (upload->source.kind == SOURCE_RESUMPTION) {
        upload_leave_resumption(upload, REFUSAL_OFFSET_MISMATCH, detail);
        upload_begin_hold(upload);
        return STREAM_WAIT;
    }
    upload->keep.end = KEEP_FILE;
    upload_refuse_at(upload, REFUSAL_OFFSET_MISMATCH, upload->source.taken, detail);
    return STREAM_REFUSED;
}

/* It does not count as brought, so it does not renew the window. */
static void note_repeated(struct upload_flow *upload, size_t count)
{
    upload_put_repeated(upload, count);
    if (upload->hold.entry)
        held_upload_moved(upload->hold.entry, upload_told_offset(upload));
}

static bool is_part_over(const struct upload_source *source)
{
    return source->kind == SOURCE_RESUMPTION && source->left == 0;
}

ssize_t upload_drop_repeated(struct upload_flow *upload)
{
    struct upload_source *source = &upload->source;
    if (source->repeated.left == 0)
        return 1;
    while (source->repeated.left > 0) {
        int same = upload_compare_repeated(upload);
        if (same != 1)
            return same == STREAM_REFUSED ? refuse_repeated(upload) : same;
        if (source->repeated.left == 0)
            break; /* the last ones were the same */
        if (is_part_over(source))
            return end_part(upload);
        ssize_t got = read_repeated(upload);
        if (got <= 0)
            return source->kind == SOURCE_CLIENT ? from_client(upload, got)
                                                 : from_resumption(upload, got);
        note_repeated(upload, (size_t)got);
    }
    upload_end_repeated(upload);
    return 1;
}

/* --- what was read before ------------------------------------------------------------------- */

static bool comes_again(const struct upload_source *source)
{
    return source->again_given < source->again.len;
}

static ssize_t give_again(struct upload_source *source, void *into, size_t room)
{
    size_t count = MIN(source->again.len - source->again_given, room);
    memcpy(into, source->again.data + source->again_given, count);
    source->again_given += count;
    if (!comes_again(source))
        buffer_free(&source->again);
    source->again_given = comes_again(source) ? source->again_given : 0;
    return (ssize_t)count;
}

/* --- the source of the filters -------------------------------------------------------------- */

static ssize_t read_source(struct upload_flow *upload, void *into, size_t room)
{
    struct client *client = upload->x.client;
    ssize_t dropped = upload_drop_repeated(upload);
    if (dropped != 1)
        return dropped;
    if (upload->source.kind == SOURCE_CLIENT)
        return from_client(upload, client ? client_read(client, into, room) : STREAM_LOST);
    ssize_t code = before_reading(upload);
    if (code != 1)
        return code;
    room = MIN(room, upload->source.left);
    return from_resumption(upload, net_read(&upload->source.socket, into, room));
}

static ssize_t splice_source(struct upload_flow *upload, int pipe, size_t room)
{
    struct client *client = upload->x.client;
    if (upload->source.kind == SOURCE_CLIENT)
        return from_client(upload, client ? client_splice(client, pipe, room) : STREAM_LOST);
    ssize_t code = before_reading(upload);
    if (code != 1)
        return code;
    room = MIN(room, upload->source.left);
    return from_resumption(upload, net_splice_in(&upload->source.socket, pipe, room));
}

ssize_t upload_source_read(void *context, void *into, size_t room)
{
    struct upload_flow *upload = upload_of(context);
    if (comes_again(&upload->source))
        return give_again(&upload->source, into, room);
    size_t now = upload_throttle_room(upload, room);
    return now ? upload_throttle_took(upload, read_source(upload, into, now)) : STREAM_WAIT;
}

ssize_t upload_source_splice(void *context, int pipe, size_t room)
{
    struct upload_flow *upload = upload_of(context);
    if (comes_again(&upload->source) || upload->source.repeated.left > 0)
        return STREAM_NO_SPLICE;
    size_t now = upload_throttle_room(upload, room);
    return now ? upload_throttle_took(upload, splice_source(upload, pipe, now)) : STREAM_WAIT;
}
