/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file, and /stage, which has no store: the steps of an upload in their order.
 *
 *   step       file              what it does
 *   admit      admit.c           checks the head
 *   preflight  preflight.c       asks Glance for the image, the project's usage and the stores
 *   judge      check_image.c     checks that the image waits for data of this format
 *   decide     decide.c          asks the policy: a store, or a denial
 *   room       check_capacity.c  reserves space in the store
 *   quota      check_quota.c     checks the project's quota
 *   invite     here              sends 100 Continue, waits for the first byte
 *   prepare    body.c            checks the first 64 KiB; spools a body without a length
 *   settle     body.c            decides again if only now the size is known
 *   quota      check_quota.c     reserves in the project's quota
 *   room       check_capacity.c  reserves again if store or size have changed
 *   turn       wait_turn.c       waits for another upload to the image that is being sent
 *   send       send.c            sends the PUT to Glance
 *   count      check_quota.c     turns the reservation into usage
 *   prove      verify.c          asks Glance for the image, and compares
 *   answer     here              sends Glance's answer, with what was done
 */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/digest.h"
#include "intake/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool begin(struct exchange *x)
{
    bool stage = x->request.route.kind == ROUTE_STAGE;
    return exchange_begin_record(x, stage ? RECORD_STAGE : RECORD_FILE);
}

/* Data that is staged has no store yet: Glance ignores the field there. */
static enum step_result decide(struct exchange *x)
{
    char **requested = &upload_of(x)->check.requested_store;
    if (x->record->kind != RECORD_STAGE &&
        !requested_store(&client_head(x->client)->headers, requested))
        return exchange_no_memory(x);
    return upload_decide(x);
}

static enum step_result send_continue(struct exchange *x)
{
    if (!x->entering)
        return x->body_readable ? STEP_NEXT : STEP_WAIT;
    records_enter(x->parts->records, x->record);
    if (!request_has_body(x->client))
        return STEP_NEXT;
    client_invite(x->client);
    return STEP_WAIT;
}

/* --- answer ---------------------------------------------------------------------------- */

/* The digest of what Glance has stored, if it was computed. False: no memory. */
static bool record_digest(struct upload_flow *upload)
{
    unsigned char sha512[DIGEST_MAX_BYTES];
    char hex[2 * sizeof sha512 + 1];
    size_t size;
    struct request_record *record = upload->x.record;
    if (!upload_is_stored(upload) ||
        !digests_get(body_digests(upload->body), "sha512", sha512, &size))
        return true;
    digest_hex(sha512, size, hex);
    free(record->sha512);
    record->sha512 = strdup(hex);
    return record->sha512 != NULL;
}

static enum step_result answer(struct exchange *x)
{
    bool stored = x->glance.answer.status / 100 == 2;
    x->record->verdict = stored ? VERDICT_STORED : VERDICT_REJECTED;
    if (stored && !x->record->verified[0])
        snprintf(x->record->verified, sizeof x->record->verified, "no");
    return record_digest(upload_of(x)) ? glance_pass_answer(x) : exchange_no_memory(x);
}

/* clang-format off */
static const struct step STEPS[] = {
    {"admit", upload_admit},
    {"preflight", upload_preflight},
    {"judge", upload_check_image},
    {"decide", decide},
    {"room", upload_check_capacity},
    {"quota", upload_check_quota_early},
    {"invite", send_continue},
    {"prepare", upload_prepare},
    {"settle", upload_reevaluate},
    {"quota", upload_reserve_quota},
    {"room", upload_check_capacity},
    {"turn", upload_wait_turn},
    {"send", upload_send},
    {"count", upload_count_quota},
    {"prove", upload_verify},
    {"answer", answer},
    {NULL, NULL},
};
/* clang-format on */

/* --- the kind -------------------------------------------------------------------------- */

/* Glance has the whole image, or has failed: the outcome is found out without the client, for the
 * log. An empty body is finished before anything was sent, and every step up to then needs the
 * client. So until the transfer has begun, a client that leaves ends the upload. */
static bool outlives_client(const struct exchange *x)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    return upload->send.phase != SEND_NOT_BEGUN &&
           (x->step->run == upload_verify || body_finished(upload->body));
}

static void stop_asking(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    image_check_stop(x, &upload->check);
    fetch_end(&upload->quota.question);
    fetch_end(&upload->capacity.question);
    timer_cancel(x->parts->loop, &upload->poll.timer);
}

static void release(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    image_check_unlock(&upload->check);
    capacity_release(&upload->capacity.reservation);
    quota_release(&upload->quota.reservation, upload->body && body_finished(upload->body));
}

static void end(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    image_check_free(&upload->check);
    body_free(upload->body);
    free(upload->outcome.hint);
}

static void describe(const struct exchange *x, struct refusal_context *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    image_check_describe(&upload->check, out);
    out->for_glance = upload->body && body_refused_for_glance(upload->body);
}

const struct exchange_kind UPLOAD_KIND = {
    .size = sizeof(struct upload_flow),
    .steps = STEPS,
    .begin = begin,
    .take_more = upload_take_more,
    .outlives_client = outlives_client,
    .stop_asking = stop_asking,
    .release = release,
    .end = end,
    .add_headers = upload_add_headers,
    .describe = describe,
};
