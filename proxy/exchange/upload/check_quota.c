/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the project's quota has space for the image, and reserves it.
 *
 * That needs the size. If the size becomes known later, the check is made again. If it never does,
 * the upload is refused only if the project has no space at all.
 *
 * Uploads that are under way count, too. Before 100 Continue, those count that Glance has begun to
 * take. Just before the upload is sent it makes a reservation of its own. It waits for a short time
 * if it fits only without uploads that Glance might still refuse (quota_reservations.h).
 *
 * A remembered answer can only let an upload pass. What it leaves open waits for a newer one
 * (quota_answer.c).
 *
 * An upload that is spooled first waits only at its end. While it is spooled, it is refused as soon
 * as an answer has no room for the bytes so far, and a newer answer is asked for when a remembered
 * one has none. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/record.h"

#include <inttypes.h>
#include <stdio.h>

enum { EARLY_WAIT_MS = 700 }; /* before 100 Continue */
enum { WAIT_MS = 5000, RETRY_MS = 250, ASK_AGAIN_MAX = 3, KEY_MAX = 320 };

static bool is_stage(const struct upload_flow *upload)
{
    return upload->x.record->kind == RECORD_STAGE;
}

static const struct usage *usage_of(const struct upload_flow *upload)
{
    return &upload->quota.answer.usage;
}

static uint64_t size_of(const struct upload_flow *upload)
{
    return upload->size.known ? upload->size.bytes : 0;
}

/* Names the uploads that share the limit. An administrator who uploads for another project is told
 * the limits of his own, so the limit is part of the key. False: there is nothing to share. */
static bool key_of(const struct upload_flow *upload, char key[KEY_MAX])
{
    const struct usage_limit *limit = usage_limit_of(usage_of(upload), is_stage(upload));
    const char *owner = upload->check.image.owner;
    if (!owner || usage_left(limit) == UINT64_MAX)
        return false;
    snprintf(key, KEY_MAX, "%d %" PRIi64 " %s", is_stage(upload), limit->limit, owner);
    return true;
}

static enum step_result check(struct upload_flow *upload, uint64_t reserved, uint64_t size)
{
    char why[USAGE_WORDS];
    if (usage_allows(usage_of(upload), is_stage(upload), reserved, size, why))
        return STEP_NEXT;
    return report_violation_for(&upload->x, REFUSAL_QUOTA_EXCEEDED, "%s", why);
}

/* --- the answer to go by ----------------------------------------------------------------- */

/* A remembered answer does not let the upload pass. The bytes that were stored since count. */
static bool is_open(const struct upload_flow *upload, uint64_t size)
{
    struct quota_reservations *others = upload->x.parts->quota_reservations;
    char key[KEY_MAX];
    uint64_t reserved = 0;
    if (quota_answer_may_refuse(&upload->quota))
        return false;
    if (key_of(upload, key))
        reserved = quota_reservations_firm(others, key) +
                   quota_reservations_since(others, key, upload->quota.answer.mark);
    return !quota_answer_has_room(upload, reserved, size);
}

typedef enum quota_answer find_quota_answer(struct upload_flow *upload);

/* An answer that lets `size` bytes pass, or that may refuse them. */
static enum quota_answer find_answer(struct upload_flow *upload, uint64_t size,
                                     find_quota_answer *find)
{
    enum quota_answer found = find(upload);
    while (found == QUOTA_ANSWER_THERE && is_open(upload, size)) {
        quota_answer_want_own(upload);
        found = find(upload);
    }
    return found;
}

/* --- before the reservation -------------------------------------------------------------- */

static enum step_result check_with_firm(struct upload_flow *upload, uint64_t size)
{
    struct quota_reservations *others = upload->x.parts->quota_reservations;
    char key[KEY_MAX];
    uint64_t firm = key_of(upload, key) ? quota_reservations_firm(others, key) : 0;
    return check(upload, firm, size);
}

enum step_result upload_judge_spooled_quota(struct upload_flow *upload, uint64_t so_far)
{
    enum quota_answer found = find_answer(upload, so_far, quota_answer_peek);
    return found == QUOTA_ANSWER_THERE && !upload_decision_waits(upload)
               ? check_with_firm(upload, so_far)
               : STEP_NEXT;
}

/* 100 Continue waits a little for an answer that is on its way. After it the client may begin, and
 * its data waits. */
enum step_result upload_check_quota_early(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (upload_is_spooled_first(upload))
        return upload_judge_spooled_quota(upload, 0);
    if (x->entering)
        exchange_wait_at_most(x, EARLY_WAIT_MS);
    enum quota_answer found = find_answer(upload, size_of(upload), quota_answer_find);
    if (found == QUOTA_ANSWER_AWAITED && !x->step_timer_fired)
        return STEP_WAIT;
    timer_cancel(x->parts->loop, &x->step_timer);
    return found == QUOTA_ANSWER_THERE ? check_with_firm(upload, size_of(upload)) : STEP_NEXT;
}

/* --- the reservation ------------------------------------------------------------------------- */

/* The step runs again, and waits for the answer. */
static enum step_result ask_again(struct exchange *x)
{
    quota_answer_want_newer(upload_of(x));
    exchange_wake(x);
    return STEP_WAIT;
}

static enum step_result wait_for_others(struct exchange *x, struct quota_check *quota)
{
    if (!quota->wait_began_ms)
        quota->wait_began_ms = clock_ms();
    exchange_wait_at_most(x, RETRY_MS);
    return x->step_timer_fired ? exchange_no_memory(x) : STEP_WAIT;
}

/* In audit mode the upload goes on, and reserves its bytes without regard to the limit. */
static enum step_result report_full(struct upload_flow *upload, struct quota_request *request,
                                    uint64_t reserved)
{
    enum step_result result = check(upload, reserved, size_of(upload));
    request->left = UINT64_MAX;
    request->trust_usage = request->ignore_provisional = true;
    if (result == STEP_NEXT)
        quota_reserve(upload->x.parts->quota_reservations, request, &upload->quota.reservation,
                      &reserved);
    return result;
}

static struct quota_request request_of(const struct upload_flow *upload, const char *key)
{
    const struct quota_check *quota = &upload->quota;
    bool waited = quota->wait_began_ms && clock_ms() - quota->wait_began_ms >= WAIT_MS;
    return (struct quota_request){
        .key = key,
        .bytes = upload->size.bytes,
        .left = usage_left(usage_limit_of(usage_of(upload), is_stage(upload))),
        .mark = quota->answer.mark,
        .trust_usage = quota->gave_up || quota->asked_again >= ASK_AGAIN_MAX,
        .ignore_provisional = waited,
    };
}

static enum step_result reserve(struct upload_flow *upload, const char *key)
{
    struct exchange *x = &upload->x;
    struct quota_check *quota = &upload->quota;
    struct quota_request request = request_of(upload, key);
    uint64_t reserved = 0;
    switch (quota_reserve(x->parts->quota_reservations, &request, &quota->reservation, &reserved)) {
    case QUOTA_RESERVED:
        return check(upload, reserved, size_of(upload));
    case QUOTA_FULL:
        return quota_answer_may_refuse(quota) ? report_full(upload, &request, reserved)
                                              : ask_again(x);
    case QUOTA_STALE:
        quota->asked_again++;
        return ask_again(x);
    case QUOTA_WAIT:
        return wait_for_others(x, quota);
    default:
        return exchange_no_memory(x);
    }
}

/* From here on Glance may count it among the images that are being uploaded. */
static void count_upload(struct quota_check *quota)
{
    if (!quota->counted)
        usage_account_upload(quota->account);
    quota->counted = true;
}

static enum step_result wait_for_answer(struct exchange *x, const struct quota_check *quota)
{
    uint64_t now = clock_ms();
    exchange_wait_at_most(x, quota->deadline_ms > now ? quota->deadline_ms - now : 0);
    return STEP_WAIT;
}

enum step_result upload_reserve_quota(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    char key[KEY_MAX];
    enum quota_answer found = find_answer(upload, size_of(upload), quota_answer_find);
    if (found == QUOTA_ANSWER_AWAITED)
        return wait_for_answer(x, &upload->quota);
    timer_cancel(x->parts->loop, &x->step_timer);
    if (found == QUOTA_ANSWER_NONE)
        return STEP_NEXT;
    enum step_result result = upload->size.known && key_of(upload, key)
                                  ? reserve(upload, key)
                                  : check(upload, 0, size_of(upload));
    if (result == STEP_NEXT)
        count_upload(&upload->quota);
    return result;
}

/* --- its end ----------------------------------------------------------------------------- */

/* An upload whose size was not known has no reservation, and counts when it is stored. */
static void count_stored(const struct upload_flow *upload)
{
    char key[KEY_MAX];
    if (!upload->quota.reservation.row && key_of(upload, key))
        quota_stored(upload->x.parts->quota_reservations, key, body_count(upload->body));
}

static void release(struct upload_flow *upload, bool stored)
{
    struct quota_check *quota = &upload->quota;
    if (quota->counted && stored)
        count_stored(upload);
    quota_release(&quota->reservation, stored);
    if (quota->counted)
        usage_account_uploaded(quota->account);
    quota->counted = false;
}

/* Glance has the image: from here on its own usage counts it. */
enum step_result upload_count_quota(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (!upload->outcome.failure && x->glance.answer.status / 100 == 2)
        release(upload, true);
    return STEP_NEXT;
}

void upload_release_quota(struct upload_flow *upload)
{
    release(upload, upload->body && body_finished(upload->body));
}
