/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the file of a kept upload at the upload's end: it is removed, or the upload is
 * dormant from then on. */
#include "exchange/upload/upload_steps.h"

#include "intake/held_uploads.h"
#include "intake/kept_upload.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"

#include <sys/param.h>

/* What a client can do nothing about: it may go on with the upload later. */
static bool is_passing(enum refusal reason)
{
    switch (reason) {
    case REFUSAL_SPOOL_FULL:
    case REFUSAL_CLIENT_STALLED:
    case REFUSAL_DRAINING:
    case REFUSAL_GLANCE_FAILED:
    case REFUSAL_GLANCE_TIMEOUT:
    case REFUSAL_GLANCE_UNREACHABLE:
    case REFUSAL_OUT_OF_MEMORY:
    case REFUSAL_TOO_MANY_UPLOADS:
        return true;
    default:
        return false;
    }
}

static bool stays(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    if (upload->keep.end != KEEP_UNDECIDED)
        return upload->keep.end == KEEP_FILE;
    if (x->refused.reason)
        return is_passing(x->refused.reason);
    if (x->glance.answer.status) /* 401: the token has expired while the data came */
        return x->glance.answer.status == 401 || x->glance.answer.status / 100 == 5;
    return upload->creation.wanted || upload->source.taken >= HOLD_MIN;
}

/* It is in the list without a gap: a client that comes at once finds it. */
static void make_dormant(struct upload_flow *upload)
{
    const struct settings *settings = upload->x.snapshot->settings;
    const struct held_limits limits = {.all = settings->resume.max_held,
                                       .project = settings->resume.max_held_per_project};
    struct kept_facts facts = *kept_upload_facts(upload->keep.file);
    facts.offset = MIN(spool_written(kept_upload_spool(upload->keep.file)), facts.length - 1);
    facts.expires_wall_ms = upload_window_end(upload);
    kept_upload_expires(upload->keep.file, facts.expires_wall_ms);
    if (upload->hold.entry)
        held_upload_continue(upload->hold.entry); /* the dormant one is held in its place */
    held_uploads_add_dormant(upload->x.parts->held_uploads, &facts, &limits);
}

void upload_end_kept(struct upload_flow *upload)
{
    struct kept_upload *file = upload->keep.file;
    if (!file)
        return;
    bool keeps = stays(upload);
    upload_close_opening(upload);
    upload_end_repeated(upload);
    if (keeps && kept_upload_state(file) == KEPT_OPEN)
        make_dormant(upload);
    upload->keep.file = NULL;
    kept_upload_free(file, keeps ? KEPT_STAYS : KEPT_GOES);
}
