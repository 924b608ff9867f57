/* SPDX-License-Identifier: Apache-2.0 */
/* An upload that is created before its data comes (POST of tus, or a creation of the draft, which
 * may have all data). It passes all checks that need no data, keeps its reservations, and is held
 * like an upload that has lost its client. Glance gets its request when the first bytes have come:
 * an open request without a byte would run into Glance's timeouts. */
#include "exchange/upload/upload_steps.h"

#include "exchange/core/resume_fields.h"
#include "intake/client.h"
#include "intake/draft.h"
#include "intake/held_uploads.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/tus.h"

/* --- the head ------------------------------------------------------------------------------- */

static enum step_result read_promises(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const char *fault = promises_read(&client_head(x->client)->headers, &upload->head.promises);
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

void upload_take_length(struct upload_flow *upload, uint64_t length)
{
    struct request_record *record = upload->x.record;
    upload->size = (struct upload_size){.known = true, .bytes = length};
    upload->creation.length = upload->sent_length = length;
    upload->head.empty = length == 0;
    record->size_known = true;
    record->size = length;
}

static enum refusal read_creation(const struct upload_flow *upload, uint64_t *length,
                                  const char **detail)
{
    const struct client *client = upload->x.client;
    const struct headers *headers = &client_head(client)->headers;
    if (upload->creation.dialect == RESUME_BY_DRAFT)
        return draft_read_creation(headers, client_framing(client), length, detail);
    enum refusal reason = tus_check_version(headers);
    return reason ? reason : tus_read_creation(headers, client_framing(client), length, detail);
}

enum step_result upload_admit_creation(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    const struct headers *headers = &client_head(x->client)->headers;
    const char *detail = "";
    uint64_t length = 0;
    if (x->parts->drain != DRAIN_NONE) /* nothing would be held */
        return exchange_refuse(x, REFUSAL_DRAINING);
    enum refusal reason = read_creation(upload, &length, &detail);
    if (!reason && headers_get(headers, "Content-Encoding"))
        reason = REFUSAL_CONTENT_ENCODING;
    if (reason)
        return exchange_refuse_for(x, reason, "%s", detail);
    upload_take_length(upload, length);
    return read_promises(upload);
}

/* --- the answer ----------------------------------------------------------------------------- */

/* A client that goes on with the upload may speak another dialect. False: no memory. */
static bool add_dialect(const struct exchange *x, struct headers *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    const struct creation *creation = &upload->creation;
    return !creation->wanted || !x->client ||
           resume_add_dialect(creation->dialect, x->refused.reason, out);
}

/* False: no memory. */
static bool tell_incomplete(const struct upload_flow *upload, struct headers *out)
{
    bool by_draft = upload->creation.dialect == RESUME_BY_DRAFT;
    return (!(by_draft || upload->creation.continues) ||
            headers_add(out, "Upload-Complete", "?0")) &&
           (!by_draft || upload->creation.continues ||
            resume_add_limit(upload->x.snapshot->settings, upload->hold.expires_wall_ms, out));
}

static bool compose(const struct upload_flow *upload, struct reply *reply)
{
    const struct exchange *x = &upload->x;
    struct headers *headers = &reply->headers;
    reply_init(reply);
    bool continues = upload->creation.continues;
    reply->status = continues ? 204 : 201;
    bool good = add_dialect(x, headers) &&
                (continues || resume_add_location(&x->request, headers)) &&
                resume_add_number(headers, "Upload-Offset", upload->source.taken) &&
                resume_add_expiry(headers, upload->hold.expires_wall_ms) &&
                tell_incomplete(upload, headers) &&
                headers_add(headers, "X-Openstack-Request-Id", x->request.id) &&
                cors_copy(&upload->check.cors, headers) && resume_expose(headers);
    if (!good)
        reply_free(reply);
    return good;
}

bool upload_tell_created(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct client *client = x->client;
    struct reply reply;
    if (!compose(upload, &reply))
        return false;
    metrics_answered(x->parts->metrics, reply.status);
    exchange_make_orphan(x);
    client_answer(client, &reply);
    client_leave(client);
    reply_free(&reply);
    return true;
}

/* The client of tus has brought all data with the creation. False: no memory. */
static bool tell_stored(const struct upload_flow *upload, struct headers *out)
{
    return (upload->creation.continues || resume_add_location(&upload->x.request, out)) &&
           resume_add_number(out, "Upload-Offset", upload->source.taken);
}

/* The draft's word for: the answer is about the image, and nothing is held. False: no memory. */
static bool tell_complete(const struct exchange *x, struct headers *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    bool held = x->refused.resumable || upload->creation.tells_offset;
    return headers_add(out, "Upload-Complete", held ? "?0" : "?1") &&
           (x->refused.reason != REFUSAL_TOO_LARGE ||
            resume_add_limit(x->snapshot->settings, 0, out));
}

bool upload_add_to_answer(const struct exchange *x, struct headers *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    bool created = upload->creation.wanted && x->client;
    if (upload->creation.tells_offset &&
        !resume_add_number(out, "Upload-Offset", upload->creation.offset))
        return false;
    if (x->client && upload->creation.dialect == RESUME_BY_DRAFT)
        return tell_complete(x, out) && resume_expose(out);
    return add_dialect(x, out) &&
           (!created || !upload_is_stored(upload) || tell_stored(upload, out)) &&
           (!created || resume_expose(out));
}

/* --- the wait for the data -------------------------------------------------------------------- */

/* 104 says where the upload can be gone on with. Without memory the client does not learn it.
 * False: the connection has ended. */
static bool announce(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    struct headers fields = {0};
    bool good = true;
    if (upload->creation.dialect != RESUME_BY_DRAFT || upload->creation.continues)
        return true;
    if (headers_add(&fields, DRAFT_VERSION_FIELD, DRAFT_VERSION) &&
        resume_add_location(&x->request, &fields) &&
        resume_add_limit(x->snapshot->settings, 0, &fields))
        good = client_send_interim(x->client, "104 Upload Resumption Supported", &fields);
    headers_free(&fields);
    return good;
}

void upload_offer_resumption(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct framing_facts *framing = client_framing(x->client);
    bool asked = upload->creation.dialect == RESUME_BY_DRAFT && x->record->kind == RECORD_FILE;
    bool is_plain =
        framing->framing == FRAMING_LENGTH && framing->length > 0 && !upload->head.declared_form;
    if (upload->creation.wanted || !asked || !is_plain || audit_only(x) ||
        x->parts->drain != DRAIN_NONE || x->snapshot->settings->resume.window == 0)
        return;
    upload->creation.wanted = true;
    upload->creation.length = framing->length;
}

static enum step_result begin(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (audit_only(x))
        return exchange_refuse_for(x, REFUSAL_WRONG_METHOD, "%s",
                                   "in audit mode no upload is held");
    if (upload->head.empty) /* it is complete: no request would bring more */
        return STEP_NEXT;
    upload_hold_prepare(upload);
    if (!upload->hold.entry)
        return exchange_no_memory(x);
    if (request_has_body(x->client)) {
        held_upload_waits(upload->hold.entry); /* it gives way if no byte comes */
        if (announce(upload))
            client_invite(x->client);
        return STEP_WAIT;
    }
    upload_begin_hold(upload);
    return upload_tell_created(upload) ? STEP_WAIT : exchange_no_memory(x);
}

enum step_result upload_await_data(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering)
        return begin(upload);
    return x->body_readable || upload->source.kind == SOURCE_RESUMPTION ? STEP_NEXT : STEP_WAIT;
}
