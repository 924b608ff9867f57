/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file (and /stage, which has no store): the order of an upload, in one place.
 *
 *   admit      what can be said from the head alone
 *   preflight  GET /v2/images/{id} with the caller's own token
 *   judge      is the image waiting for data, and does it say what the data is?
 *   decide     the policy: which store, or why not; the size
 *   invite     only now 100 Continue; wait for the first byte
 *   send       PUT to Glance, piece by piece
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

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum step_result no_memory(struct exchange *x)
{
    log_say(LOG_LEVEL_ERROR, "%s: out of memory", x->request_id);
    return exchange_refuse_for(x, REFUSAL_GLANCE_UNREACHABLE, "this proxy is short of memory");
}

static bool copy(char **to, const char *text)
{
    free(*to);
    *to = text ? strdup(text) : NULL;
    return !text || *to;
}

/* --- admit ----------------------------------------------------------------------------- */

static bool is_type(const char *type, const char *wanted)
{
    return type && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

static enum step_result admit(struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const struct framing_facts *framing = client_framing(x->client);
    if (x->parts->draining)
        return exchange_refuse(x, REFUSAL_DRAINING);
    if (framing->framing != FRAMING_CHUNKED && framing->length == 0)
        return exchange_refuse(x, REFUSAL_EMPTY_BODY);
    if (is_type(headers_get(headers, "Content-Type"), "multipart/"))
        return exchange_refuse(x, REFUSAL_UNSUPPORTED_CONTENT_TYPE);
    return STEP_NEXT;
}

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
        return no_memory(x);
    x->upload->glance_status = reply.status;
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result preflight(struct exchange *x)
{
    if (x->fresh)
        return ask_for_image(x) ? STEP_WAIT : no_memory(x);
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
    if (!copy(&x->upload->project, image->owner))
        return no_memory(x);
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

/* --- decide ---------------------------------------------------------------------------- */

static void ask_policy(struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const struct policy_facts facts = {
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .project = x->image.owner,
        .name = x->image.name,
        .visibility = x->image.visibility,
        .client = x->origin.address,
        .user_agent = headers_get(headers, "User-Agent"),
        .asked_store = x->wish,
        .size_known = x->upload->size_known,
        .size = x->upload->size,
    };
    policy_decide(x->snapshot->policy, &facts, &x->decision);
}

static enum step_result refuse_size(struct exchange *x, uint64_t max)
{
    if (x->upload->size_known)
        return exchange_refuse_for(x, REFUSAL_TOO_LARGE,
                                   "it has %" PRIu64 " bytes, and the limit is %" PRIu64,
                                   x->upload->size, max);
    return exchange_refuse_for(x, REFUSAL_TOO_LARGE, "the limit is %" PRIu64 " bytes", max);
}

static uint64_t max_size(const struct exchange *x)
{
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    return x->decision.max_size < everywhere ? x->decision.max_size : everywhere;
}

static enum step_result obey(struct exchange *x)
{
    const struct policy_decision *decision = &x->decision;
    switch (decision->verdict) {
    case POLICY_DENY:
        return exchange_refuse_for(x, REFUSAL_DENIED_BY_POLICY, "%s", decision->why);
    case POLICY_STORE_NOT_ALLOWED:
        return exchange_refuse_for(
            x, REFUSAL_STORE_NOT_ALLOWED, "it asks for %s, and the policy allows %s",
            x->wish ? x->wish : decision->store,
            decision->allowed ? decision->allowed : "any store but Glance's reserved ones");
    case POLICY_TOO_LARGE:
        return refuse_size(x, max_size(x));
    default:
        return STEP_NEXT;
    }
}

static enum step_result decide(struct exchange *x)
{
    /* Data that is staged has no store yet: Glance ignores the field there. */
    if (!x->upload->stage && !store_wish(&client_head(x->client)->headers, &x->wish))
        return no_memory(x);
    ask_policy(x);
    if (!copy(&x->upload->rule, x->decision.rule))
        return no_memory(x);
    enum step_result obeyed = obey(x);
    if (obeyed != STEP_NEXT)
        return obeyed;
    if (!x->upload->stage && !copy(&x->upload->store, x->decision.store))
        return no_memory(x);
    if (x->upload->size_known && x->upload->size > max_size(x))
        return refuse_size(x, max_size(x));
    return STEP_NEXT;
}

/* --- invite ---------------------------------------------------------------------------- */

static enum step_result invite(struct exchange *x)
{
    if (x->fresh) {
        uploads_enter(x->parts->uploads, x->upload);
        client_invite(x->client);
        return STEP_WAIT;
    }
    if (!x->readable)
        return STEP_WAIT;
    if (client_body_complete(x->client)) /* without a byte: Glance would make an image of it */
        return exchange_refuse(x, REFUSAL_EMPTY_BODY);
    return STEP_NEXT;
}

/* --- send
 * ------------------------------------------------------------------------------------------------
 */

/* The bytes go from the client into libcurl's buffer, and are judged there on their way. */
static ssize_t pull(void *owner, void *into, size_t room)
{
    struct exchange *x = owner;
    ssize_t count = x->client ? client_read(x->client, into, room) : CLIENT_LOST;
    if (count == CLIENT_LOST)
        x->client_lost = true;
    if (count <= 0)
        return count;
    x->body_refusal = body_pass(x->body, into, (size_t)count);
    if (x->body_refusal)
        return CLIENT_LOST;
    atomic_fetch_add_explicit(&x->upload->bytes, (uint64_t)count, memory_order_relaxed);
    metrics_bytes(x->parts->metrics, (uint64_t)count, 0);
    return count;
}

static const struct transfer_owner SEND = {
    .head = glance_head,
    .data = glance_collect,
    .pull = pull,
    .done = glance_over,
};

static bool start_sending(struct exchange *x)
{
    const struct body_limits limits = {
        max_size(x), x->upload->size_known ? UINT64_MAX : x->decision.size_ceiling};
    struct headers fields = {0};
    const struct framing_facts *framing = client_framing(x->client);
    char *target = route_canonical(&x->route, &x->target);
    const struct transfer_order order = {.method = "PUT",
                                         .target = target,
                                         .headers = &fields,
                                         .framing = framing->framing,
                                         .length = framing->length};
    x->body = body_new(&limits);
    bool started =
        x->body && target && fields_for_upload(x, &fields) && glance_ask(x, &order, &SEND);
    headers_free(&fields);
    free(target);
    return started;
}

static enum step_result refuse_body(struct exchange *x)
{
    if (x->body_refusal == REFUSAL_TOO_LARGE)
        return refuse_size(x, max_size(x));
    return exchange_refuse(x, x->body_refusal);
}

/* Glance may refuse in the middle of a body; an answer that the image is stored is believed only
 * once every byte was handed over. */
static bool too_early(const struct exchange *x)
{
    return x->head_seen && x->answer.status / 100 == 2 && x->client &&
           !client_body_complete(x->client);
}

static enum step_result refuse_early(struct exchange *x)
{
    transfer_abort(x->transfer);
    x->transfer = NULL;
    return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                               "it answered %u before it had the whole image", x->answer.status);
}

static enum step_result send_on(struct exchange *x)
{
    if (x->fresh)
        return start_sending(x) ? STEP_WAIT : no_memory(x);
    if (x->head_seen)
        x->upload->glance_status = x->answer.status;
    if (too_early(x))
        return refuse_early(x);
    if (!x->glance_done)
        return STEP_WAIT;
    if (x->body_refusal)
        return refuse_body(x);
    if (x->client_lost) {
        upload_client_lost(x);
        client_drop(x->client);
        return STEP_END;
    }
    if (x->result != TRANSFER_ANSWERED || x->answer_too_long)
        return glance_refuse(x);
    return STEP_NEXT;
}

/* --- answer
 * ------------------------------------------------------------------------------------------------
 */

static enum step_result answer(struct exchange *x)
{
    x->upload->verdict = x->answer.status / 100 == 2 ? UPLOAD_STORED : UPLOAD_REJECTED;
    return pass_answer(x);
}

const struct step UPLOAD_STEPS[] = {
    {"admit", admit},   {"preflight", preflight}, {"judge", judge},   {"decide", decide},
    {"invite", invite}, {"send", send_on},        {"answer", answer}, {NULL, NULL},
};

/* --- the record of it ------------------------------------------------------------------ */

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
