/* SPDX-License-Identifier: Apache-2.0 */
/* A whole upload to an image whose upload is held starts again: the held one is dropped, once
 * Glance has said that the caller may upload. Glance then needs a moment to queue the image again.
 */
#include "exchange/upload/upload_steps.h"

#include "intake/held_uploads.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <string.h>

static const char *image_of(const struct upload_flow *upload)
{
    const char *id = upload->check.image.id;
    return id ? id : upload->x.request.route.image_id;
}

static bool find(const struct upload_flow *upload, struct held_facts *facts)
{
    const struct exchange *x = &upload->x;
    return x->snapshot->settings->resume.window > 0 && x->record->kind == RECORD_FILE &&
           held_uploads_find(x->parts->held_uploads, image_of(upload), NULL, facts);
}

static bool is_open(const struct image *image)
{
    return strcmp(image->status, "saving") == 0 || strcmp(image->status, "queued") == 0;
}

/* A creation is held without a byte, and a kept upload has the one file of its image: a stranger
 * who sees the image must not make one. */
static bool is_question(const struct upload_flow *upload)
{
    struct held_facts facts;
    bool created = upload->creation.wanted || upload->creation.dialect == RESUME_BY_DRAFT;
    return is_open(&upload->check.image) &&
           (created || upload_is_to_be_kept(upload) || (find(upload, &facts) && !facts.moving));
}

static enum step_result take_place(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct held_facts facts;
    x->glance.over = false;
    upload->check.may_upload = true;
    if (upload->creation.continues)
        return STEP_NEXT;
    if (!find(upload, &facts))
        return STEP_NEXT;
    if (facts.moving)
        return exchange_refuse_for(x, REFUSAL_UPLOAD_MOVING, "%s",
                                   "another connection is sending it");
    held_uploads_drop(x->parts->held_uploads, image_of(upload), "its client has started again");
    image_check_begin_await_queued(x, &upload->check);
    return STEP_NEXT;
}

enum step_result upload_may_replace(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering && !is_question(upload))
        return STEP_NEXT;
    enum step_result result = upload_ask_who_may(x, &upload->check);
    return result == STEP_NEXT ? take_place(upload) : result;
}

/* A status other than `saving` is judged by the next step. */
enum step_result upload_replace(struct exchange *x)
{
    struct image_check *check = &upload_of(x)->check;
    return check->await_began_ms ? image_check_await_queued(x, check) : STEP_NEXT;
}
