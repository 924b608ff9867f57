/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file, and /stage, which has no store: the steps of an upload in their order.
 *
 *   step       file              what it does
 *   admit      admit.c           what the head alone tells
 *   preflight  preflight.c       asks Glance for the image, the project's usage and the stores
 *   judge      check_image.c     is the image waiting for data of this format?
 *   decide     decide.c          the policy: a store, or a denial
 *   room       check_capacity.c  is there space in the store?
 *   quota      check_quota.c     is there space in the project's quota?
 *   invite     here              sends 100 Continue, waits for the first byte
 *   prepare    here              checks the opening; spools a body without a length
 *   settle     here              decides again if only now the size is known; then quota, room
 *   turn       wait_turn.c       is another upload to the image being sent?
 *   send       send.c            PUT to Glance
 *   count      check_quota.c     the reservation becomes usage
 *   prove      verify.c          asks Glance for the image, and compares
 *   answer     answer.c          Glance's answer, and what was done
 */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <stdio.h>
#include <string.h>

/* --- decide ---------------------------------------------------------------------------- */

static enum step_result decide(struct exchange *x)
{
    /* Data that is staged has no store yet: Glance ignores the field there. */
    if (x->record->kind != RECORD_STAGE &&
        !requested_store(&client_head(x->client)->headers, &x->requested))
        return exchange_no_memory(x);
    return upload_decide(x);
}

/* --- invite, prepare, settle ----------------------------------------------------------- */

/* Without a body there is nothing to invite. */
static enum step_result invite(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    if (x->entering) {
        records_enter(x->parts->records, x->record);
        if (framing->framing != FRAMING_CHUNKED && framing->length == 0)
            return STEP_NEXT;
        client_invite(x->client);
        return STEP_WAIT;
    }
    return x->body_readable ? STEP_NEXT : STEP_WAIT;
}

static ssize_t read_client(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_read(x->client, into, room) : STREAM_LOST;
}

static ssize_t move_client(void *context, int pipe, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_splice(x->client, pipe, room) : STREAM_LOST;
}

/* The spool has something to say, or who hashes. */
static void wake(void *context)
{
    struct exchange *x = context;
    if (x->glance.transfer)
        transfer_write_on(x->glance.transfer);
    else
        exchange_wake(x);
}

static bool make_body(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    const struct body_plan plan = {
        .read = read_client,
        .splice = client_is_tls(x->client) ? NULL : move_client,
        .wake = wake,
        .context = x,
        .length_known = framing->framing != FRAMING_CHUNKED,
        .length = framing->length,
        .promised = x->promised,
        .promise = x->promise,
        .content_type = headers_get(&client_head(x->client)->headers, "Content-Type"),
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .vmware_disktype = x->image.vmware_disktype,
        .hypervisor = x->image.hypervisor,
        .promises = &x->promises,
        .image_promises = &x->image_promises,
        .glance_hash = x->glance_hash,
        .may_be_empty = upload_may_be_empty(x),
        .audit = audit_only(x),
        .size_chose = upload_chosen_by_size(x),
        .settings = x->snapshot->settings,
        .checks = upload_checks(x),
        .glance_refuses = inspected_refuses(x),
        .checks_wait = upload_decision_waits(x) && x->decision.checks_by_size,
        .spools = x->parts->spools,
        .digest_threads = x->parts->digest_threads,
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
    atomic_store_explicit(&x->record->spooled, body_spooled(x->body), memory_order_relaxed);
    return ready;
}

static enum step_result prepare(struct exchange *x)
{
    if (x->entering && !make_body(x))
        return exchange_no_memory(x);
    switch (prepare_body(x)) {
    case STREAM_WAIT:
        return STEP_WAIT;
    case STREAM_LOST:
        return upload_drop_client(x);
    case STREAM_REFUSED:
        upload_note(x);
        return upload_refuse_body(x);
    default:
        return STEP_NEXT;
    }
}

/* Taken at once, before libmicrohttpd has to put it aside. */
static bool take_more(struct exchange *x)
{
    bool preparing = x->step && x->step->run == prepare && x->body;
    return preparing && prepare_body(x) == STREAM_WAIT;
}

static enum step_result decide_again(struct exchange *x, uint64_t size)
{
    x->size_known = true;
    x->size = size;
    enum step_result decided = upload_decide(x);
    if (decided != STEP_NEXT)
        return decided;
    const struct body_limits limits = upload_limits(x);
    if (audit_only(x))
        body_audit(x->body);
    body_limit(x->body, &limits);
    return STEP_NEXT;
}

/* What is only watched was decided once for all: its size is what Glance is sent, form and all. */
static enum step_result settle(struct exchange *x)
{
    const char *detail;
    uint64_t size;
    upload_note(x);
    if (!audit_only(x) && body_length(x->body, &size) && (!x->size_known || x->size != size)) {
        enum step_result decided = decide_again(x, size);
        if (decided != STEP_NEXT)
            return decided;
    }
    const struct check_levels checks = upload_checks(x);
    body_checks(x->body, &checks);
    upload_note(x);
    return body_refusal(x->body, &detail) ? upload_refuse_body(x) : STEP_NEXT;
}

/* --- answer ---------------------------------------------------------------------------- */

static enum step_result answer(struct exchange *x)
{
    bool stored = x->glance.answer.status / 100 == 2;
    x->record->verdict = stored ? VERDICT_STORED : VERDICT_REJECTED;
    if (stored && !x->record->verified[0])
        snprintf(x->record->verified, sizeof x->record->verified, "no");
    return upload_pass_answer(x);
}

/* clang-format off */
static const struct step STEPS[] = {
    {"admit", upload_admit},
    {"preflight", upload_preflight},
    {"judge", upload_check_image},
    {"decide", decide},
    {"room", upload_check_capacity},
    {"quota", upload_check_quota_early},
    {"invite", invite},
    {"prepare", prepare},
    {"settle", settle},
    {"quota", upload_quota},
    {"room", upload_check_capacity},
    {"turn", upload_wait_turn},
    {"send", upload_send},
    {"count", upload_counted},
    {"prove", upload_verify},
    {"answer", answer},
    {NULL, NULL},
};
/* clang-format on */

/* Glance has the whole image, or has failed: what becomes of it is found out without the client, so
 * that the log tells. An empty body is finished before anything was sent, and every step up to then
 * needs the client: until the transfer has begun, a client that leaves ends the upload. */
static bool outlives_client(const struct exchange *x)
{
    return x->send_begun && (x->step->run == upload_verify || body_finished(x->body));
}

const struct exchange_kind UPLOAD_KIND = {
    .steps = STEPS,
    .take_more = take_more,
    .outlives_client = outlives_client,
    .stop_asking = upload_end_asking,
};
