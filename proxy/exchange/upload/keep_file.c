/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an upload is kept on disk, and its file: what it has, and what is read from it. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/kept_upload.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stream.h"

#include <string.h>
#include <sys/param.h>

static const struct settings *settings_of(const struct upload_flow *upload)
{
    return upload->x.snapshot->settings;
}

static struct spool *spool_of(const struct upload_flow *upload)
{
    return kept_upload_spool(upload->keep.file);
}

/* --- whether ------------------------------------------------------------------------------ */

/* A form is not the image's data alone. A client of the draft would go on with a small one, too. */
static bool is_worth_it(const struct upload_flow *upload)
{
    if (upload_framing(upload) != FRAMING_LENGTH || upload->head.declared_form)
        return false;
    bool created = upload->creation.wanted || upload->creation.dialect == RESUME_BY_DRAFT;
    return upload_length(upload) > (created ? 0 : HOLD_MIN);
}

bool upload_is_to_be_kept(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    const struct settings *settings = settings_of(upload);
    bool wanted = settings->resume.window > 0 && settings->upload.spool_dir &&
                  settings->resume.backing == RESUME_BACKING_SPOOL;
    return upload->creation.continues ||
           (wanted && x->record->kind == RECORD_FILE && !audit_only(x) &&
            !upload_makes_image(upload) && kept_image_valid(upload_image_id(upload)) &&
            is_worth_it(upload));
}

uint64_t upload_told_offset(const struct upload_flow *upload)
{
    uint64_t taken = upload->source.taken;
    return upload_is_kept(upload) ? MIN(taken, upload_data_length(upload) - 1) : taken;
}

/* --- the file ------------------------------------------------------------------------------ */

bool upload_flush_kept(struct upload_flow *upload)
{
    return !upload_is_kept(upload) || spool_flush(spool_of(upload));
}

void upload_save_kept(struct upload_flow *upload)
{
    if (!upload_is_kept(upload))
        return;
    upload->keep.saved = spool_written(spool_of(upload));
    kept_upload_save(upload->keep.file, upload_window_end(upload));
}

/* --- reading ------------------------------------------------------------------------------ */

static ssize_t read_opening(struct upload_flow *upload, void *into, size_t room)
{
    struct opening *opening = &upload->keep.opening;
    size_t count = MIN(room, opening->count - opening->read);
    if (count == 0)
        return opening->count == upload_data_length(upload) ? STREAM_END : STREAM_WAIT;
    memcpy(into, opening->bytes + opening->read, count);
    opening->read += count;
    return (ssize_t)count;
}

ssize_t upload_read_kept(void *context, void *into, size_t room)
{
    struct upload_flow *upload = upload_of(context);
    if (upload->keep.opening.bytes)
        return read_opening(upload, into, room);
    ssize_t got = spool_read(spool_of(upload), into, room);
    if (got != STREAM_WAIT || !spool_fault(spool_of(upload)))
        return got;
    refusal_set(&upload->x.refused, REFUSAL_SPOOL_FULL, "%s", "its disk has failed");
    return STREAM_LOST;
}

bool upload_may_rewind_kept(const struct upload_flow *upload)
{
    return upload_is_kept(upload) && !spool_fault(spool_of(upload));
}

void upload_rewind_kept(struct upload_flow *upload)
{
    spool_rewind(spool_of(upload));
}
