/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file (and /stage, which has no store): the order of an upload, in one place.
 *
 *   admit      what can be said from the head alone                          (admit.c)
 *   preflight  the image, the project's limits, the stores, asked of Glance  (preflight.c)
 *   judge      is the image waiting for data, for nobody else's, and of which format?
 *   decide     the policy: which store, or why not; the size                 (decide.c)
 *   room       is there room for it in the store?                            (room.c)
 *   quota      and in what its project may keep?                             (room.c)
 *   invite     only now 100 Continue; wait for the first byte
 *   prepare    the opening is read and judged; what has no length is spooled (proxy/body/)
 *   settle     decide again if the size has become known only now; quota and room again
 *   send       PUT to Glance, piece by piece                                 (send.c)
 *   prove      what has become of it there?                                  (prove.c)
 *   answer     Glance's answer, and what was done
 */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/claims.h"
#include "intake/client.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- judge ----------------------------------------------------------------------------- */

static enum step_result refuse_second(struct exchange *x, const struct claim_facts *other)
{
    unsigned long long ago = (clock_wall_ms() - other->began_wall_ms) / 1000;
    if (other->size_known)
        return exchange_refuse_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                                   "it began %llu s ago, and Glance has %" PRIu64 " of its %" PRIu64
                                   " bytes",
                                   ago, other->bytes, other->size);
    return exchange_refuse_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                               "it began %llu s ago, and Glance has %" PRIu64 " bytes of it", ago,
                               other->bytes);
}

/* From here on the image is this upload's. By the id that Glance says it has: its database may find
 * it in capital letters, too. */
static enum step_result claim(struct exchange *x)
{
    const char *image = x->image.id ? x->image.id : x->route.image_id;
    const struct claim_facts facts = {
        .began_wall_ms = x->upload->began_wall_ms, .size_known = x->size_known, .size = x->size};
    struct claim_facts other;
    switch (claims_take(x->parts->claims, image, &facts, &x->upload->bytes, &x->claim, &other)) {
    case CLAIM_TAKEN:
        return STEP_NEXT;
    case CLAIM_HELD:
        return refuse_second(x, &other);
    default:
        return exchange_no_memory(x);
    }
}

static enum step_result judge_status(struct exchange *x)
{
    const char *status = x->image.status;
    if (strcmp(status, "queued") == 0)
        return STEP_NEXT;
    bool saving = strcmp(status, "saving") == 0;
    return exchange_refuse_for(x, REFUSAL_IMAGE_NOT_QUEUED, "its status is %s%s", status,
                               saving ? ", and this proxy is not uploading it" : "");
}

static enum step_result judge_formats(struct exchange *x)
{
    const struct image *image = &x->image;
    if (image->disk_format && image->container_format)
        return STEP_NEXT;
    return exchange_refuse_for(x, REFUSAL_FORMATS_UNSET, "%s not set",
                               image->disk_format        ? "container_format is"
                               : image->container_format ? "disk_format is"
                                                         : "disk_format and container_format are");
}

static enum step_result judge(struct exchange *x)
{
    static enum step_result (*const judges[])(struct exchange *) = {claim, judge_status,
                                                                    judge_formats};
    const struct image *image = &x->image;
    if (image->owner && !(x->upload->project = strdup(image->owner)))
        return exchange_no_memory(x);
    promises_add_hex(&x->image_promises, "owner_specified.openstack.sha256", "sha256",
                     image->sdk_sha256);
    promises_add_hex(&x->image_promises, "owner_specified.openstack.md5", "md5", image->sdk_md5);
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < sizeof judges / sizeof *judges && result == STEP_NEXT; i++)
        result = judges[i](x);
    return result;
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
        .promises = &x->promises,
        .image_promises = &x->image_promises,
        .glance_hash = x->glance_hash,
        .settings = x->snapshot->settings,
        .spools = x->parts->spools,
        .loop = x->parts->loop,
    };
    const struct body_limits limits = upload_limits(x);
    stores_algorithm(x->parts->stores, x->glance_hash);
    x->body = body_new(&plan);
    if (x->body)
        body_limit(x->body, &limits);
    return x->body != NULL;
}

static int prepare_body(struct exchange *x)
{
    int ready = body_prepare(x->body);
    atomic_store_explicit(&x->upload->spooled, body_spooled(x->body), memory_order_relaxed);
    return ready;
}

static enum step_result prepare(struct exchange *x)
{
    if (x->fresh && !make_body(x))
        return exchange_no_memory(x);
    switch (prepare_body(x)) {
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

bool upload_takes_more(struct exchange *x)
{
    bool preparing = x->step && x->step->run == prepare && x->body;
    return preparing && prepare_body(x) == BODY_WAIT;
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

enum step_result upload_pass_answer(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply) || !fields_of_answer(x, &reply.headers))
        return exchange_no_memory(x);
    x->upload->glance_status = reply.status;
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result answer(struct exchange *x)
{
    bool stored = x->answer.status / 100 == 2;
    x->upload->verdict = stored ? UPLOAD_STORED : UPLOAD_REJECTED;
    if (stored && !x->upload->verified[0])
        snprintf(x->upload->verified, sizeof x->upload->verified, "no");
    return upload_pass_answer(x);
}

/* clang-format off */
const struct step UPLOAD_STEPS[] = {
    {"admit", upload_admit},
    {"preflight", upload_preflight},
    {"judge", judge},
    {"decide", decide},
    {"room", upload_room},
    {"quota", upload_quota_early},
    {"invite", invite},
    {"prepare", prepare},
    {"settle", settle},
    {"quota", upload_quota},
    {"room", upload_room},
    {"send", upload_send},
    {"prove", upload_prove},
    {"answer", answer},
    {NULL, NULL},
};
/* clang-format on */

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
    case REFUSAL_VERIFY_FAILED:
        return UPLOAD_FAILED;
    default:
        return UPLOAD_REFUSED;
    }
}

void upload_let_go(struct exchange *x)
{
    claim_release(x->claim);
    x->claim = NULL;
    room_give_back(&x->room);
}

/* However it ended: one line in the log, the metrics, and the list of the last hundred. */
void upload_ended(struct exchange *x)
{
    if (!x->upload)
        return;
    upload_let_go(x);
    x->upload->reason = x->refusal;
    if (x->upload->verdict == UPLOAD_RUNNING)
        x->upload->verdict = verdict_of(x);
    uploads_leave(x->parts->uploads, x->upload);
    x->upload = NULL;
}
