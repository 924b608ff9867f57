/* SPDX-License-Identifier: Apache-2.0 */
/* Holds an upload that has lost its client: Glance's request stays open, and is fed, until a client
 * goes on with the upload or its window ends.
 *
 * Only what can be resumed is held: image data with a length, without a form around it, of which
 * at least HOLD_MIN bytes have come. An upload that was created before its data came is held from
 * its beginning. Audit mode holds nothing, and an upload to /upload/ is never held: its image goes
 * with its client. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/held_uploads.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/resumption.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

/* --- whether -------------------------------------------------------------------------------- */

const char *upload_not_resumable(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    if (x->snapshot->settings->resume.window == 0 || x->record->kind == RECORD_STAGE ||
        audit_only(x) || upload_makes_image(upload))
        return "";
    if (upload->creation.wanted || upload_is_kept(upload))
        return NULL;
    if (body_unwrapped(upload->body) || upload->head.declared_form)
        return "an upload in a form cannot be resumed";
    if (client_framing(x->client)->framing != FRAMING_LENGTH)
        return "an upload without a length cannot be resumed";
    return upload->size.known && upload_data_length(upload) > HOLD_MIN ? NULL : "";
}

/* Its data can still come. The first bytes of an upload that was created wait for their turn
 * without a client, too. */
static bool is_under_way(const struct upload_flow *upload)
{
    bool created = upload->creation.wanted || upload_is_kept(upload);
    if (!upload->hold.entry || glance_has_answered(&upload->x))
        return false;
    if (created && upload->send.phase == SEND_NOT_BEGUN)
        return true;
    return upload->x.glance.transfer && (created || upload->send.phase == SEND_ALL);
}

bool upload_can_hold(const struct upload_flow *upload)
{
    uint64_t taken = upload->source.taken;
    return is_under_way(upload) && upload->x.parts->drain == DRAIN_NONE &&
           (taken >= HOLD_MIN || upload->creation.wanted) && taken < upload_data_length(upload);
}

static void set_held(struct upload_flow *upload, bool held)
{
    struct exchange *x = &upload->x;
    metrics_gauge_add(x->parts->metrics, METRICS_UPLOADS_HELD, (int)held - (int)upload->hold.held);
    upload->hold.held = held;
    bool spools = upload_is_kept(upload) && upload->send.phase == SEND_NOT_BEGUN;
    record_set_state(x->record, held ? RECORD_HELD : spools ? RECORD_SPOOLING : RECORD_SENDING);
}

void upload_set_state(struct upload_flow *upload, enum record_state state)
{
    record_set_state(upload->x.record, upload->hold.held ? RECORD_HELD : state);
}

/* --- held ----------------------------------------------------------------------------------- */

static void tell_how_to_resume(const struct upload_flow *upload)
{
    const struct request_facts *request = &upload->x.request;
    const struct origin *origin = &request->origin;
    char url[1024];
    snprintf(url, sizeof url, "%s://%s%s/v2/images/%s/file", origin->proto, origin->host,
             origin->prefix, request->route.image_id);
    request_say(request, LOG_LEVEL_WARNING,
                "held: the client of image %s was lost after %" PRIu64 " of %" PRIu64
                " bytes; to go on: curl -sI -H 'X-Auth-Token: TOKEN' %s && "
                "curl -C %" PRIu64 " -T FILE -H 'X-Auth-Token: TOKEN' %s",
                request->route.image_id, upload->source.taken, upload_data_length(upload), url,
                upload->source.taken, url);
}

void upload_begin_hold(struct upload_flow *upload)
{
    upload_source_clear(upload);
    set_held(upload, true);
    upload_set_window(upload);
    if (upload_flush_kept(upload)) /* else when it is woken */
        upload_save_kept(upload);
}

/* All of the data is here, and it goes on to Glance without a client. */
static bool is_whole(const struct upload_flow *upload)
{
    return (upload->creation.wanted || upload_is_kept(upload)) && is_under_way(upload) &&
           upload->source.taken == upload_data_length(upload);
}

/* The upload may not have read the end of its body yet. */
static void go_on_alone(struct upload_flow *upload)
{
    upload_leave_client(upload);
    if (upload->source.kind == SOURCE_CLIENT)
        upload->source.kind = SOURCE_NONE;
    upload_wake(upload);
}

bool upload_hold(struct upload_flow *upload, enum client_loss why)
{
    struct exchange *x = &upload->x;
    if (is_whole(upload)) {
        go_on_alone(upload);
        return true;
    }
    if (!upload_can_hold(upload) || why == CLIENT_MALFORMED)
        return false;
    if (why == CLIENT_STALLED)
        exchange_tell_refusal(x, REFUSAL_CLIENT_STALLED, "");
    upload_leave_client(upload);
    upload_leave_resumption(upload, REFUSAL_CLIENT_STALLED, "");
    upload_begin_hold(upload);
    tell_how_to_resume(upload);
    return true;
}

/* --- resumed -------------------------------------------------------------------------------- */

/* What comes before the offset comes again. */
static bool may_begin_at(const struct upload_flow *upload, uint64_t first)
{
    uint64_t taken = upload->source.taken;
    bool again = first < taken && taken < upload_data_length(upload) && upload_can_compare(upload);
    return first == taken || again;
}

/* NULL: it may go on. */
static const char *why_not(const struct upload_flow *upload, const struct resumption *resumption,
                           enum refusal *reason)
{
    *reason = REFUSAL_OFFSET_MISMATCH;
    uint64_t first = resumption_offset(resumption);
    if (!is_under_way(upload))
        return "the upload has ended";
    if (!may_begin_at(upload, first) ||
        resumption_count(resumption) > upload_data_length(upload) - first)
        return "go on exactly where the upload stands";
    *reason = REFUSAL_UPLOAD_MOVING;
    return held_upload_is_moving(upload->hold.entry) ? "another connection is sending it" : NULL;
}

static void count_resumed(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    x->record->resumed++;
    metrics_held_resumed(x->parts->metrics);
    request_say(&x->request, LOG_LEVEL_INFO, "resumed after %" PRIu64 " bytes",
                upload->source.taken);
}

static void resume(struct upload_flow *upload, struct resumption *resumption)
{
    struct exchange *x = &upload->x;
    upload_leave_client(upload);
    upload_leave_resumption(upload, REFUSAL_UPLOAD_MOVING, "another connection goes on with it");
    timer_cancel(x->parts->loop, &upload->hold.timer);
    upload_source_set(upload, resumption);
    upload_expect_repeated(upload, resumption_offset(resumption));
    resumption_take_fields(resumption,
                           &upload->check.fields); /* the newest token asks from now on, */
    headers_set(&upload->check.fields, "X-Openstack-Request-Id", x->request.id); /* under one id */
    held_upload_continue(upload->hold.entry);
    set_held(upload, false);
    if (upload->source.taken > 0)
        count_resumed(upload);
    upload_wake(upload);
}

static void offered(void *owner, struct resumption *resumption)
{
    struct upload_flow *upload = upload_of(owner);
    enum refusal reason;
    const char *why = why_not(upload, resumption, &reason);
    if (!why) {
        resume(upload, resumption);
        return;
    }
    resumption_refuse(resumption, reason, why, upload->source.taken);
    resumption_release(resumption);
}

/* --- the beginning, and the end ------------------------------------------------------------- */

/* Without memory the upload goes on, and cannot be resumed. */
void upload_hold_prepare(struct upload_flow *upload)
{
    static const struct held_upload_events events = {.offered = offered, .dropped = upload_drop};
    struct exchange *x = &upload->x;
    if (upload->hold.entry || upload_not_resumable(upload))
        return;
    const struct held_upload_plan plan = {
        .image = upload_image_id(upload),
        .store = upload->check.decision.store,
        .project = upload->check.image.owner,
        .length = upload_data_length(upload),
        .size = upload->size.bytes,
        .loop = x->parts->loop,
        .events = &events,
        .owner = upload,
    };
    upload->hold.entry = held_upload_new(x->parts->held_uploads, &plan);
    if (upload->hold.entry)
        held_upload_moved(upload->hold.entry, upload->source.taken);
}

void upload_hold_end(struct upload_flow *upload)
{
    held_upload_free(upload->hold.entry);
    upload->hold.entry = NULL;
    if (upload->x.record)
        set_held(upload, false);
    timer_cancel(upload->x.parts->loop, &upload->hold.timer);
}

/* The client that has brought the last part gets the answer. */
bool upload_answer_resumption(struct exchange *x, struct reply *reply)
{
    struct upload_flow *upload = upload_of(x);
    struct resumption *resumption = upload_source_clear(upload);
    if (!resumption)
        return false;
    if (reply)
        resumption_end(resumption, RESUMPTION_REPLY, reply, upload->source.taken);
    else
        resumption_refuse(resumption, x->refused.reason, x->refused.detail, upload->source.taken);
    resumption_release(resumption);
    return true;
}
