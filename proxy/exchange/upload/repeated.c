/* SPDX-License-Identifier: Apache-2.0 */
/* A client that goes on before the offset sends bytes again that are here already. They are
 * compared with what came before, and dropped.
 *
 * A kept upload has its file. Of another one, whatever computes its digests has kept checksums of
 * blocks, which tell the same of all but the bytes before the first block. */
#include "exchange/upload/upload_steps.h"

#include "intake/block_sums.h"
#include "intake/body.h"
#include "intake/kept_reader.h"
#include "intake/kept_upload.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum { ROOM = 64 * 1024 };

bool upload_keeps_sums(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    return x->snapshot->settings->resume.window > 0 && x->record->kind == RECORD_FILE &&
           !audit_only(x) && !upload_makes_image(upload) && !upload_is_kept(upload) &&
           upload_framing(upload) == FRAMING_LENGTH &&
           upload_length(upload) > (upload->creation.wanted ? 0 : HOLD_MIN);
}

bool upload_can_compare(const struct upload_flow *upload)
{
    return upload_is_kept(upload) || (upload->body && body_sums(upload->body));
}

void upload_expect_repeated(struct upload_flow *upload, uint64_t first)
{
    upload->source.repeated.left = upload->source.taken - first;
}

void upload_end_repeated(struct upload_flow *upload)
{
    struct repeated *repeated = &upload->source.repeated;
    kept_reader_free(repeated->file);
    block_comparison_free(repeated->sums);
    free(repeated->bytes);
    *repeated = (struct repeated){0};
}

/* --- the beginning ------------------------------------------------------------------------ */

/* The place of the next byte that comes again. */
static uint64_t place(const struct upload_flow *upload)
{
    return upload->source.taken - upload->source.repeated.left;
}

static int open_file(struct upload_flow *upload)
{
    if (!spool_flush(kept_upload_spool(upload->keep.file))) /* all that has come is in the file */
        return STREAM_WAIT;
    upload->source.repeated.file = kept_upload_reader(upload->keep.file);
    return upload->source.repeated.file ? 1 : STREAM_REFUSED;
}

/* Some bytes may not be hashed yet, or not before Glance takes more: those of an opening. */
static int open_sums(struct upload_flow *upload)
{
    const struct block_sums *sums = upload->body ? body_sums(upload->body) : NULL;
    if (!sums)
        return STREAM_REFUSED;
    if (!body_is_hashed(upload->body))
        return STREAM_WAIT;
    if (block_sums_count(sums) != upload->source.taken)
        return STREAM_REFUSED;
    upload->source.repeated.sums = block_comparison_new(sums, place(upload));
    return upload->source.repeated.sums ? 1 : STREAM_REFUSED;
}

static int begin(struct upload_flow *upload)
{
    struct repeated *repeated = &upload->source.repeated;
    int opened = upload_is_kept(upload) ? open_file(upload) : open_sums(upload);
    if (opened != 1)
        return opened;
    repeated->bytes = malloc(ROOM);
    return repeated->bytes ? 1 : STREAM_REFUSED;
}

/* --- comparing ---------------------------------------------------------------------------- */

static void drop(struct repeated *repeated, size_t count)
{
    repeated->compared += count;
    repeated->left -= count;
}

static int compare_with_file(struct upload_flow *upload)
{
    struct repeated *repeated = &upload->source.repeated;
    const char *there;
    while (repeated->compared < repeated->count) {
        size_t count = repeated->count - repeated->compared;
        enum kept_read got = kept_reader_bytes(repeated->file, place(upload), &there, &count);
        if (got == KEPT_READ_WAIT)
            return STREAM_WAIT;
        if (got == KEPT_READ_FAILED ||
            memcmp(there, repeated->bytes + repeated->compared, count) != 0)
            return STREAM_REFUSED;
        drop(repeated, count);
    }
    return 1;
}

static int compare_with_sums(struct repeated *repeated)
{
    size_t count = repeated->count - repeated->compared;
    if (!block_comparison_same(repeated->sums, repeated->bytes + repeated->compared, count))
        return STREAM_REFUSED;
    drop(repeated, count);
    return 1;
}

int upload_compare_repeated(struct upload_flow *upload)
{
    struct repeated *repeated = &upload->source.repeated;
    int begun = repeated->bytes ? 1 : begin(upload);
    if (begun != 1)
        return begun;
    return repeated->file ? compare_with_file(upload) : compare_with_sums(repeated);
}

char *upload_repeated_room(struct upload_flow *upload, size_t *room)
{
    *room = MIN(ROOM, upload->source.repeated.left);
    return upload->source.repeated.bytes;
}

void upload_put_repeated(struct upload_flow *upload, size_t count)
{
    upload->source.repeated.count = count;
    upload->source.repeated.compared = 0;
}
