/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the store has space for the image, and reserves it.
 *
 * That needs the size. If the size becomes known later, the check is made again. If it never does,
 * the upload is refused only if the store is full.
 *
 * While an upload is spooled, its bucket is asked, and asked again before the answer is old. So
 * nothing is left to ask at its end. An answer from before may let it pass if no other upload has
 * ended since. It refuses nothing. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>

/* An answer counts for RECENT_MS. While an upload is spooled, the next question follows after
 * RENEW_MS, or after RETRY_MS if the bytes so far do not fit. */
enum { RECENT_MS = 60000, RENEW_MS = 45000, RETRY_MS = 1000 };

enum { WAIT_MS = 3000 }; /* for uploads at other proxies */

/* An answer that is out of date is asked for again so often: at a busy proxy each one may be. */
enum { ASK_AGAIN_MAX = 3 };

/* The store that the policy names by what is known now. NULL: nothing is known of it that could be
 * checked. */
static const struct policy_store *named_store(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    const char *name = upload->check.decision.store;
    if (x->record->kind == RECORD_STAGE || !name || !x->snapshot->settings->upload.check_quota)
        return NULL;
    const struct policy_store *store = policy_store(x->snapshot->policy, name);
    return store && store->has_s3 ? store : NULL;
}

static void cannot_check(struct exchange *x, const struct policy_store *store, const char *why)
{
    metrics_store_unchecked(x->parts->metrics, store->name);
    request_say(&x->request, LOG_LEVEL_WARNING, "the space in %s is unknown: %s", store->name, why);
}

/* --- the question ------------------------------------------------------------------------ */

/* False: it cannot be asked. */
static bool ask(struct upload_flow *upload, const struct policy_store *store)
{
    struct exchange *x = &upload->x;
    struct bucket_question *question = &upload->capacity.question;
    capacity_release(&upload->capacity.reservation);
    fetch_end(&question->fetch);
    *question = (struct bucket_question){
        .store = store, .asked_ms = clock_ms(), .ended = capacity_ended(x->parts->capacity)};
    bool asked = bucket_ask(&question->fetch, x->parts->glance, x->snapshot->settings, store,
                            exchange_wake_by, x);
    if (!asked)
        cannot_check(x, store, "its bucket cannot be asked");
    return asked;
}

static void take_answer(struct upload_flow *upload)
{
    struct bucket_question *question = &upload->capacity.question;
    char why[128];
    question->answered = bucket_read(&question->fetch, &question->facts, why, sizeof why);
    if (!question->answered)
        cannot_check(&upload->x, question->store, why);
    fetch_end(&question->fetch);
}

static uint64_t limit_of(const struct bucket_question *question)
{
    uint64_t quota = question->facts.quota;
    return quota < question->store->capacity ? quota : question->store->capacity;
}

static enum step_result report_full(struct exchange *x, const struct bucket_question *question,
                                    uint64_t in_flight, uint64_t need)
{
    return report_violation_for(x, REFUSAL_STORE_FULL,
                                "%s may hold %" PRIu64 " bytes, has %" PRIu64 " and %" PRIu64
                                " on their way, and this upload needs %" PRIu64,
                                question->store->name, limit_of(question), question->facts.used,
                                in_flight, need);
}

/* --- the reservation --------------------------------------------------------------------- */

static enum capacity_outcome reserve(struct upload_flow *upload, uint64_t need,
                                     struct capacity_reservation *out, uint64_t *in_flight)
{
    const struct bucket_question *question = &upload->capacity.question;
    return capacity_reserve(upload->x.parts->capacity, question->store->name, need,
                            question->facts.used, limit_of(question), out, in_flight);
}

/* What other proxies have in flight may be a second old, and may be in the bucket by now. */
static bool may_wait(const struct capacity_check *capacity)
{
    return !capacity->wait_began_ms || clock_ms() - capacity->wait_began_ms < WAIT_MS;
}

static enum step_result wait_for_others(struct exchange *x, struct capacity_check *capacity)
{
    if (!capacity->wait_began_ms)
        capacity->wait_began_ms = clock_ms();
    exchange_wait_at_most(x, RETRY_MS);
    return x->step_timer_fired ? exchange_no_memory(x) : STEP_WAIT;
}

static enum step_result reserve_or_refuse(struct upload_flow *upload, uint64_t need)
{
    struct capacity_check *capacity = &upload->capacity;
    uint64_t in_flight = 0;
    enum capacity_outcome outcome = reserve(upload, need, &capacity->reservation, &in_flight);
    if (outcome == CAPACITY_RESERVED)
        return STEP_NEXT;
    if (outcome == CAPACITY_NO_MEMORY)
        return exchange_no_memory(&upload->x);
    if (outcome == CAPACITY_FULL_ELSEWHERE && may_wait(capacity))
        return wait_for_others(&upload->x, capacity);
    return report_full(&upload->x, &capacity->question, in_flight, need);
}

/* Some uploads have ended since the bucket was asked: their bytes may be neither in the answer nor
 * in flight. */
static bool is_out_of_date(const struct upload_flow *upload)
{
    return capacity_ended(upload->x.parts->capacity) != upload->capacity.question.ended;
}

/* By the latest answer, if there is one. False: the bucket is to be asked. */
static bool reserve_by_known(struct upload_flow *upload, uint64_t need)
{
    struct capacity_check *capacity = &upload->capacity;
    const struct bucket_question *question = &capacity->question;
    struct capacity_reservation made = {0};
    uint64_t in_flight;
    if (!question->answered || question->store != capacity->store ||
        clock_ms() - question->asked_ms >= RECENT_MS ||
        reserve(upload, need, &made, &in_flight) != CAPACITY_RESERVED)
        return false;
    if (is_out_of_date(upload)) {
        capacity_release(&made);
        return false;
    }
    capacity_release(&capacity->reservation);
    capacity->reservation = made;
    return true;
}

/* --- the step ---------------------------------------------------------------------------- */

static bool is_asked(const struct bucket_question *question, const struct policy_store *store)
{
    return question->fetch.begun && question->store == store;
}

/* The reservation is for another store, or for a size that is no longer right: it ends. */
static void leave_store(struct capacity_check *capacity)
{
    capacity_release(&capacity->reservation);
    capacity->store = NULL;
}

/* The body is spooled meanwhile. A client that waits for 100 Continue is told first; one that has
 * created the upload may have left. */
static bool need_not_wait(const struct upload_flow *upload)
{
    const struct client *client = upload->x.client;
    return !upload->size.known && upload_is_spooled_first(upload) &&
           (!client || !client_framing(client)->expects_continue);
}

static enum step_result begin(struct upload_flow *upload)
{
    struct capacity_check *capacity = &upload->capacity;
    const struct policy_store *store = upload_decision_waits(upload) ? NULL : named_store(upload);
    uint64_t size = upload->size.known ? upload->size.bytes : 0;
    if (!store) {
        leave_store(capacity);
        return STEP_NEXT;
    }
    bool same = capacity->store == store && capacity->size == size;
    capacity->store = store;
    capacity->size = size;
    capacity->asked_again = 0;
    if (same || reserve_by_known(upload, size))
        return STEP_NEXT;
    if (!is_asked(&capacity->question, store) && !ask(upload, store))
        return STEP_NEXT;
    return need_not_wait(upload) ? STEP_NEXT : STEP_WAIT;
}

/* Runs twice: before the body is asked for, and once its size is certain. */
enum step_result upload_check_capacity(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    struct bucket_question *question = &upload->capacity.question;
    if (x->entering) {
        enum step_result begun = begin(upload);
        if (begun != STEP_WAIT)
            return begun;
    }
    if (!question->fetch.begun && x->step_timer_fired)
        return ask(upload, upload->capacity.store) ? STEP_WAIT : STEP_NEXT;
    if (!question->fetch.over)
        return STEP_WAIT;
    take_answer(upload);
    if (!question->answered)
        return STEP_NEXT;
    if (is_out_of_date(upload) && upload->capacity.asked_again++ < ASK_AGAIN_MAX)
        return ask(upload, upload->capacity.store) ? STEP_WAIT : STEP_NEXT;
    return reserve_or_refuse(upload, upload->size.known ? upload->size.bytes : 1);
}

/* --- while it is spooled ----------------------------------------------------------------- */

static bool has_room(const struct upload_flow *upload, uint64_t need, uint64_t *in_flight)
{
    const struct bucket_question *question = &upload->capacity.question;
    return capacity_has_room(upload->x.parts->capacity, question->store->name, need,
                             question->facts.used, limit_of(question), in_flight);
}

/* A slow upload of known length has all its space from the beginning. */
static bool has_reserved(const struct upload_flow *upload, const struct policy_store *store)
{
    const struct capacity_check *capacity = &upload->capacity;
    return upload->size.known && capacity->store == store && capacity->reservation.capacity &&
           capacity->reservation.bytes >= upload->size.bytes;
}

static bool must_ask(const struct upload_flow *upload, const struct policy_store *store,
                     uint64_t so_far)
{
    const struct bucket_question *question = &upload->capacity.question;
    uint64_t age = clock_ms() - question->asked_ms;
    uint64_t in_flight;
    if (question->store != store || age >= RENEW_MS)
        return true;
    return question->answered && age >= RETRY_MS && !has_room(upload, so_far, &in_flight);
}

/* Only an answer that has just come may refuse. */
static enum step_result judge(struct upload_flow *upload, uint64_t so_far)
{
    uint64_t in_flight;
    take_answer(upload);
    if (!upload->capacity.question.answered || upload_decision_waits(upload) ||
        has_room(upload, so_far, &in_flight))
        return STEP_NEXT;
    return report_full(&upload->x, &upload->capacity.question, in_flight, so_far);
}

enum step_result upload_judge_spooled_capacity(struct upload_flow *upload, uint64_t so_far)
{
    const struct bucket_question *question = &upload->capacity.question;
    const struct policy_store *store = named_store(upload);
    if (is_asked(question, store))
        return question->fetch.over ? judge(upload, so_far) : STEP_NEXT;
    if (store && (has_reserved(upload, store) || !must_ask(upload, store, so_far)))
        return STEP_NEXT;
    leave_store(&upload->capacity);
    if (store)
        ask(upload, store);
    return STEP_NEXT;
}
