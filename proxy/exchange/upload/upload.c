/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file, and /stage, which has no store: the steps of an upload in their order.
 *
 *   step       file              what it does
 *   admit      admit.c           checks the head
 *   preflight  preflight.c       asks Glance for the image, the project's usage and the stores
 *   may        replace.c         a held upload is in the way: may the caller upload to this image?
 *   replace    replace.c         drops that upload, and waits until the image is queued again
 *   judge      check_image.c     checks that the image waits for data of this format
 *   decide     decide.c          asks the policy: a store, or a denial
 *   room       check_capacity.c  reserves space in the store
 *   quota      check_quota.c     checks the project's quota
 *   share      wait_share.c      waits for its share of what its project and client may do
 *   queue      wait_place.c      waits for a place at an endpoint, unless it is spooled first
 *   open       keep.c            opens the file of an upload that is kept on disk
 *   invite     here              sends 100 Continue, waits for the first byte
 *              creation.c        or answers a creation, and waits for the data
 *   collect    keep.c            fills that file
 *   prepare    body.c            checks the first 64 KiB; spools a body without a length, and
 *                                judges its quota and capacity meanwhile
 *   settle     body.c            decides again if only now the size is known
 *   quota      check_quota.c     reserves in the project's quota
 *   room       check_capacity.c  reserves again if store or size have changed
 *   queue      wait_place.c      waits for a place, if it was spooled first
 *   turn       wait_turn.c       waits for another upload to the image that is being sent
 *   send       send.c            sends the PUT to Glance
 *   count      check_quota.c     turns the reservation into usage
 *   prove      verify.c          asks Glance for the image, and compares
 *   answer     here              sends Glance's answer, with what was done
 */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/digest.h"
#include "intake/draft.h"
#include "intake/record.h"
#include "intake/resumption.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool begin(struct exchange *x)
{
    const struct route *route = &x->request.route;
    bool stage = route->kind == ROUTE_STAGE;
    struct creation *creation = &upload_of(x)->creation;
    creation->continues = upload_is_continuation(x);
    creation->wanted = creation->continues ||
                       (route->kind == ROUTE_CREATE && x->snapshot->settings->resume.window > 0);
    creation->dialect = route->dialect;
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

static enum step_result admit(struct exchange *x)
{
    const struct creation *creation = &upload_of(x)->creation;
    if (creation->continues)
        return upload_admit_continuation(x);
    return creation->wanted ? upload_admit_creation(x) : upload_admit(x);
}

static enum step_result send_continue(struct exchange *x)
{
    if (x->entering)
        upload_offer_resumption(upload_of(x));
    if (upload_of(x)->creation.wanted)
        return upload_await_data(x);
    if (!x->entering)
        return x->body_readable ? STEP_NEXT : STEP_WAIT;
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

bool upload_conclude(struct exchange *x)
{
    bool stored = x->glance.answer.status / 100 == 2;
    x->record->verdict = stored ? VERDICT_STORED : VERDICT_REJECTED;
    if (stored && !x->record->verified[0])
        snprintf(x->record->verified, sizeof x->record->verified, "no");
    return record_digest(upload_of(x));
}

enum step_result upload_answer(struct exchange *x)
{
    bool stored = x->glance.answer.status / 100 == 2;
    const struct creation *creation = &upload_of(x)->creation;
    if (stored && x->client && creation->dialect == RESUME_BY_TUS && !creation->continues)
        x->glance.answer.status = 201;
    return upload_conclude(x) ? glance_pass_answer(x) : exchange_no_memory(x);
}

/* clang-format off */
static const struct step STEPS[] = {
    {"admit", admit},
    {"preflight", upload_preflight},
    {"may", upload_may_replace},
    {"replace", upload_replace},
    {"judge", upload_check_image},
    {"decide", decide},
    {"room", upload_check_capacity},
    {"quota", upload_check_quota_early},
    {"share", upload_wait_share},
    {"queue", upload_wait_place_early},
    {"open", upload_open_kept},
    {"invite", send_continue},
    {"collect", upload_collect},
    {"prepare", upload_prepare},
    {"settle", upload_reevaluate},
    {"quota", upload_reserve_quota},
    {"room", upload_check_capacity},
    {"queue", upload_wait_place},
    {"turn", upload_wait_turn},
    {"send", upload_send},
    {"count", upload_count_quota},
    {"prove", upload_verify},
    {"answer", upload_answer},
    {NULL, NULL},
};
/* clang-format on */

/* --- the kind -------------------------------------------------------------------------- */

/* Glance has the whole image, or has failed: the outcome is found out without the client, for the
 * log. An empty body is finished before anything was sent, and every step up to then needs the
 * client. So until the transfer has begun, a client that leaves ends the upload. */
static bool hold(struct exchange *x, enum client_loss why)
{
    struct upload_flow *upload = upload_of(x);
    if (x->step->run != upload_send && !upload->creation.wanted && !upload_is_kept(upload))
        return false;
    if (upload_hold(upload, why))
        return true;
    const char *why_not = why == CLIENT_STALLED ? upload_not_resumable(upload) : NULL;
    if (why_not && *why_not)
        exchange_refuse_for(x, REFUSAL_CLIENT_STALLED, "%s", why_not);
    return false;
}

static bool outlives_client(const struct exchange *x)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    return upload->send.phase != SEND_NOT_BEGUN &&
           (x->step->run == upload_verify || body_finished(upload->body));
}

void upload_stop_asking(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    image_check_stop(x, &upload->check);
    quota_answer_stop(upload);
    hash_algorithm_stop(upload);
    fetch_end(&upload->capacity.question.fetch);
    timer_cancel(x->parts->loop, &upload->poll.timer);
    upload_give_place_back(upload);
    upload_give_share_back(upload);
}

void upload_release(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    upload_end_kept(upload);
    upload_hold_end(upload);
    image_check_unlock(&upload->check);
    upload_give_place_back(upload);
    upload_give_share_back(upload);
    capacity_release(&upload->capacity.reservation);
    upload_release_quota(upload);
}

void upload_end(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    resumption_release(upload_source_clear(upload));
    buffer_free(&upload->source.again);
    image_check_free(&upload->check);
    quota_answer_end(upload);
    body_free(upload->body);
    free(upload->outcome.hint);
}

void upload_describe(const struct exchange *x, struct refusal_context *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    image_check_describe(&upload->check, out);
    out->for_glance = upload->body && body_refused_for_glance(upload->body);
    if (upload->creation.dialect == RESUME_BY_DRAFT && x->refused.reason == REFUSAL_SIZE_MISMATCH)
        out->problem = DRAFT_PROBLEM_LENGTH;
    if (upload->creation.dialect != RESUME_BY_DRAFT || !upload->creation.tells_offset ||
        x->refused.reason != REFUSAL_OFFSET_MISMATCH)
        return;
    out->problem = DRAFT_PROBLEM_OFFSET;
    out->tells_offsets = true;
    out->expected_offset = upload->creation.offset;
    out->provided_offset = upload->creation.first;
}

const struct exchange_kind UPLOAD_KIND = {
    .size = sizeof(struct upload_flow),
    .steps = STEPS,
    .begin = begin,
    .take_more = upload_take_more,
    .hold = hold,
    .drain = upload_drain,
    .answer = upload_answer_resumption,
    .outlives_client = outlives_client,
    .stop_asking = upload_stop_asking,
    .release = upload_release,
    .end = upload_end,
    .add_to_answer = upload_add_to_answer,
    .add_headers = upload_add_headers,
    .describe = upload_describe,
};
