/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file (and /stage, which has no store): the order of an upload, in one place.
 *
 *   admit      what can be said from the head alone                          (admit.c)
 *   preflight  GET /v2/images/{id} with the caller's own token
 *   judge      is the image waiting for data, and does it say what the data is?
 *   decide     the policy: which store, or why not; the size                 (decide.c)
 *   invite     only now 100 Continue; wait for the first byte
 *   prepare    the opening is read and judged; what has no length is spooled (proxy/body/)
 *   settle     decide again if the size has become known only now
 *   send       PUT to Glance, piece by piece                                 (send.c)
 *   answer     Glance's answer, and what was done
 */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- preflight ------------------------------------------------------------------------- */

static bool ask_for_image(struct exchange *x)
{
    struct headers fields = {0};
    char target[IMAGE_ID_MAX + sizeof "/v2/images/"];
    snprintf(target, sizeof target, "/v2/images/%s", x->route.image_id);
    const struct transfer_order order = {
        .method = "GET", .target = target, .headers = &fields, .framing = FRAMING_NONE};
    bool asked = fields_for_preflight(x, &fields) && glance_ask(x, &order, &COLLECT);
    headers_free(&fields);
    return asked;
}

static enum step_result pass_answer(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply) || !fields_of_answer(x, &reply.headers))
        return exchange_no_memory(x);
    x->upload->glance_status = reply.status;
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result preflight(struct exchange *x)
{
    if (x->fresh)
        return ask_for_image(x) ? STEP_WAIT : exchange_no_memory(x);
    if (!x->glance_done)
        return STEP_WAIT;
    if (x->result != TRANSFER_ANSWERED || x->answer_too_long)
        return glance_refuse(x);
    if (x->answer.status != 200)
        return pass_answer(x);
    if (!image_parse(buffer_text(&x->answer.body), x->answer.body.len, &x->image))
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                   "what it says of the image cannot be read");
    return STEP_NEXT;
}

/* --- judge ----------------------------------------------------------------------------- */

static enum step_result judge(struct exchange *x)
{
    const struct image *image = &x->image;
    if (image->owner && !(x->upload->project = strdup(image->owner)))
        return exchange_no_memory(x);
    if (strcmp(image->status, "queued") != 0)
        return exchange_refuse_for(x, REFUSAL_IMAGE_NOT_QUEUED, "its status is %s", image->status);
    if (!image->disk_format || !image->container_format)
        return exchange_refuse_for(x, REFUSAL_FORMATS_UNSET, "%s not set",
                                   image->disk_format ? "container_format is"
                                   : image->container_format
                                       ? "disk_format is"
                                       : "disk_format and container_format are");
    return STEP_NEXT;
}

static enum step_result decide(struct exchange *x)
{
    /* Data that is staged has no store yet: Glance ignores the field there. */
    if (!x->upload->stage && !store_wish(&client_head(x->client)->headers, &x->wish))
        return exchange_no_memory(x);
    return upload_decide(x);
}

/* --- invite, prepare, settle ----------------------------------------------------------- */

static enum step_result invite(struct exchange *x)
{
    if (x->fresh) {
        uploads_enter(x->parts->uploads, x->upload);
        client_invite(x->client);
        return STEP_WAIT;
    }
    return x->readable ? STEP_NEXT : STEP_WAIT;
}

static ssize_t read_client(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_read(x->client, into, room) : CLIENT_LOST;
}

/* The spool has something to say. */
static void wake(void *context)
{
    struct exchange *x = context;
    if (x->transfer)
        transfer_write_on(x->transfer);
    else
        exchange_wake(x);
}

static bool make_body(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    const struct body_plan plan = {
        .read = read_client,
        .wake = wake,
        .context = x,
        .length_known = framing->framing == FRAMING_LENGTH,
        .length = framing->length,
        .promised = x->promised,
        .promise = x->promise,
        .content_type = headers_get(&client_head(x->client)->headers, "Content-Type"),
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .settings = x->snapshot->settings,
        .spools = x->parts->spools,
        .loop = x->parts->loop,
    };
    const struct body_limits limits = upload_limits(x);
    x->body = body_new(&plan);
    if (x->body)
        body_limit(x->body, &limits);
    return x->body != NULL;
}

static enum step_result prepare(struct exchange *x)
{
    if (x->fresh && !make_body(x))
        return exchange_no_memory(x);
    int ready = body_prepare(x->body);
    atomic_store_explicit(&x->upload->spooled, body_spooled(x->body), memory_order_relaxed);
    switch (ready) {
    case BODY_WAIT:
        return STEP_WAIT;
    case BODY_LOST:
        return upload_drop_client(x);
    case BODY_REFUSED:
        upload_note_warnings(x);
        return upload_refuse_body(x);
    default:
        return STEP_NEXT;
    }
}

static enum step_result settle(struct exchange *x)
{
    const char *detail;
    uint64_t size;
    upload_note_warnings(x);
    if (body_length(x->body, &size) && (!x->size_known || x->size != size)) {
        x->size_known = true;
        x->size = size;
        enum step_result decided = upload_decide(x);
        if (decided != STEP_NEXT)
            return decided;
        const struct body_limits limits = upload_limits(x);
        body_limit(x->body, &limits);
    }
    return body_refusal(x->body, &detail) ? upload_refuse_body(x) : STEP_NEXT;
}

/* --- answer ---------------------------------------------------------------------------- */

static enum step_result answer(struct exchange *x)
{
    x->upload->verdict = x->answer.status / 100 == 2 ? UPLOAD_STORED : UPLOAD_REJECTED;
    return pass_answer(x);
}

const struct step UPLOAD_STEPS[] = {
    {"admit", upload_admit}, {"preflight", preflight},
    {"judge", judge},        {"decide", decide},
    {"invite", invite},      {"prepare", prepare},
    {"settle", settle},      {"send", upload_send},
    {"answer", answer},      {NULL, NULL},
};

/* --- the record of it ------------------------------------------------------------------ */

/* A warning is told when it is new: a format may give one late in the body. */
void upload_note_warnings(struct exchange *x)
{
    const struct body_warning *rows;
    size_t count = body_warnings(x->body, &rows);
    for (; x->warnings_noted < count; x->warnings_noted++) {
        const struct body_warning *row = &rows[x->warnings_noted];
        x->upload->warnings |= 1U << row->reason;
        metrics_warned(x->parts->metrics, row->reason);
        log_say(LOG_LEVEL_WARNING, "%s: let pass: %s%s%s", x->request_id,
                refusal_row(row->reason)->name, row->detail[0] ? ": " : "", row->detail);
    }
}

void upload_client_lost(struct exchange *x)
{
    if (x->upload)
        x->upload->verdict = UPLOAD_ABORTED;
}

static enum upload_verdict verdict_of(const struct exchange *x)
{
    switch (x->refusal) {
    case REFUSAL_NONE:
        return x->upload->glance_status ? UPLOAD_REJECTED : UPLOAD_ABORTED;
    case REFUSAL_GLANCE_FAILED:
    case REFUSAL_GLANCE_TIMEOUT:
    case REFUSAL_GLANCE_UNREACHABLE:
        return UPLOAD_FAILED;
    default:
        return UPLOAD_REFUSED;
    }
}

/* However it ended: one line in the log, the metrics, and the list of the last hundred. */
void upload_ended(struct exchange *x)
{
    if (!x->upload)
        return;
    x->upload->reason = x->refusal;
    if (x->upload->verdict == UPLOAD_RUNNING)
        x->upload->verdict = verdict_of(x);
    uploads_leave(x->parts->uploads, x->upload);
    x->upload = NULL;
}
