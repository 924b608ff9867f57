/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the project's quota has space for the image, and reserves it.
 *
 * That needs the size. If the size becomes known later, the check is made again. If it never does,
 * the upload is refused only if the project has no space at all.
 *
 * Uploads that are under way count, too. Before 100 Continue, those count that Glance has begun to
 * take. Just before the upload is sent it makes a reservation of its own. It waits for a short time
 * if it fits only without uploads that Glance might still refuse (quota_reservations.h). */
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

/* Names the uploads that share the limit. An administrator who uploads for another project is told
 * the limits of his own, so the limit is part of the key. False: there is nothing to share. */
static bool key_of(const struct upload_flow *upload, char key[KEY_MAX])
{
    const struct usage_limit *limit = usage_limit_of(&upload->quota.usage, is_stage(upload));
    const char *owner = upload->check.image.owner;
    if (!owner || usage_left(limit) == UINT64_MAX)
        return false;
    snprintf(key, KEY_MAX, "%d %" PRIi64 " %s", is_stage(upload), limit->limit, owner);
    return true;
}

static enum step_result check(struct upload_flow *upload, uint64_t reserved)
{
    char why[USAGE_WORDS];
    uint64_t size = upload->size.known ? upload->size.bytes : 0;
    if (usage_allows(&upload->quota.usage, is_stage(upload), reserved, size, why))
        return STEP_NEXT;
    return report_violation_for(&upload->x, REFUSAL_QUOTA_EXCEEDED, "%s", why);
}

/* Glance asks Keystone for every limit there is, which takes it up to a second. 100 Continue waits
 * a little for that. After it the client may begin, and its data waits. */
enum step_result upload_check_quota_early(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    struct quota_reservations *others = x->parts->quota_reservations;
    char key[KEY_MAX];
    if (upload_read_usage(x, &upload->quota))
        return check(upload, key_of(upload, key) ? quota_reservations_firm(others, key) : 0);
    if (x->entering)
        exchange_wait_at_most(x, EARLY_WAIT_MS);
    return x->step_timer_fired ? STEP_NEXT : STEP_WAIT;
}

/* --- the reservation ------------------------------------------------------------------------- */

static enum step_result ask_again(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    upload->quota.asked_again++;
    return upload_ask_usage(x, &upload->quota, &upload->check.fields) ? STEP_WAIT
                                                                      : exchange_no_memory(x);
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
    enum step_result result = check(upload, reserved);
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
        .left = usage_left(usage_limit_of(&quota->usage, is_stage(upload))),
        .mark = quota->mark,
        .trust_usage = quota->asked_again >= ASK_AGAIN_MAX,
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
        return check(upload, reserved);
    case QUOTA_FULL:
        return report_full(upload, &request, reserved);
    case QUOTA_STALE:
        return ask_again(upload);
    case QUOTA_WAIT:
        return wait_for_others(x, quota);
    default:
        return exchange_no_memory(x);
    }
}

enum step_result upload_reserve_quota(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    char key[KEY_MAX];
    if (!upload_read_usage(x, &upload->quota))
        return STEP_WAIT;
    return upload->size.known && key_of(upload, key) ? reserve(upload, key) : check(upload, 0);
}

/* Glance has the image: from here on its own usage counts it. */
enum step_result upload_count_quota(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (!upload->outcome.failure && x->glance.answer.status / 100 == 2)
        quota_release(&upload->quota.reservation, true);
    return STEP_NEXT;
}
