/* SPDX-License-Identifier: Apache-2.0 */
/* Is there room for the image in what its project may keep?
 *
 * That needs the size. Where it comes only later the question is asked again when it is there;
 * where it never comes, only a project that has no room at all is refused.
 *
 * Uploads that are on their way count, too. Before the client is invited, those count that Glance
 * has begun to take. Just before the upload is sent it makes a reservation of its own, and waits
 * for a moment if it fits only without uploads that Glance might still refuse (reservations.h). */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/record.h"

#include <inttypes.h>
#include <stdio.h>

enum { INVITATION_WAITS_MS = 700 };
enum { WAITS_MS = 5000, LOOKS_MS = 250, ASKS_MAX = 3, KEY_MAX = 320 };

static bool is_staged(const struct exchange *x)
{
    return x->record->kind == RECORD_STAGE;
}

/* Whose uploads share the limit. An administrator who uploads for another project is told the
 * limits of his own, so the limit is part of it. False: there is nothing to share. */
static bool key_of(const struct exchange *x, char key[KEY_MAX])
{
    const struct usage_limit *limit = usage_limit_of(&x->usage, is_staged(x));
    if (!x->image.owner || usage_left(limit) == UINT64_MAX)
        return false;
    snprintf(key, KEY_MAX, "%d %" PRIi64 " %s", is_staged(x), limit->limit, x->image.owner);
    return true;
}

static enum step_result check(struct exchange *x, uint64_t reserved)
{
    char why[USAGE_WORDS];
    uint64_t size = x->size_known ? x->size : 0;
    if (usage_allows(&x->usage, is_staged(x), reserved, size, why))
        return STEP_NEXT;
    return report_violation_for(x, REFUSAL_QUOTA_EXCEEDED, "%s", why);
}

enum step_result upload_check_quota(struct exchange *x)
{
    char key[KEY_MAX];
    return check(x,
                 key_of(x, key) ? quota_reservations_firm(x->parts->quota_reservations, key) : 0);
}

/* Glance asks Keystone for every limit there is, which takes it up to a second. The invitation
 * waits a moment for that; after it the client may begin, and what it sends waits. */
enum step_result upload_check_quota_early(struct exchange *x)
{
    if (upload_hear_usage(x))
        return upload_check_quota(x);
    if (x->entering)
        exchange_wait_at_most(x, INVITATION_WAITS_MS);
    return x->step_timer_fired ? STEP_NEXT : STEP_WAIT;
}

/* --- the reservation ------------------------------------------------------------------------- */

static enum step_result ask_again(struct exchange *x)
{
    x->usage_asks++;
    return upload_ask_usage(x) ? STEP_WAIT : exchange_no_memory(x);
}

static enum step_result wait_for_others(struct exchange *x)
{
    if (!x->quota_began)
        x->quota_began = clock_ms();
    exchange_wait_at_most(x, LOOKS_MS);
    return x->step_timer_fired ? exchange_no_memory(x) : STEP_WAIT;
}

/* Objects; or it is only watched, and goes on. It takes its bytes then, whatever the limit. */
static enum step_result report_quota(struct exchange *x, struct quota_request *requested,
                                     uint64_t reserved)
{
    enum step_result result = check(x, reserved);
    requested->left = UINT64_MAX;
    requested->trust_usage = requested->ignore_provisional = true;
    if (result == STEP_NEXT)
        quota_reserve(x->parts->quota_reservations, requested, &x->reservation, &reserved);
    return result;
}

static enum step_result make(struct exchange *x, const char *key)
{
    uint64_t reserved = 0;
    struct quota_request requested = {
        .key = key,
        .bytes = x->size,
        .left = usage_left(usage_limit_of(&x->usage, is_staged(x))),
        .mark = x->usage_mark,
        .trust_usage = x->usage_asks >= ASKS_MAX,
        .ignore_provisional = x->quota_began && clock_ms() - x->quota_began >= WAITS_MS,
    };
    switch (quota_reserve(x->parts->quota_reservations, &requested, &x->reservation, &reserved)) {
    case QUOTA_RESERVED:
        return check(x, reserved);
    case QUOTA_FULL:
        return report_quota(x, &requested, reserved);
    case QUOTA_STALE:
        return ask_again(x);
    case QUOTA_WAIT:
        return wait_for_others(x);
    default:
        return exchange_no_memory(x);
    }
}

enum step_result upload_quota(struct exchange *x)
{
    char key[KEY_MAX];
    if (!upload_hear_usage(x))
        return STEP_WAIT;
    return x->size_known && key_of(x, key) ? make(x, key) : check(x, 0);
}

/* Glance has it: from here on its own usage counts it. */
enum step_result upload_counted(struct exchange *x)
{
    if (!x->failure && x->glance.answer.status / 100 == 2)
        quota_release(&x->reservation, true);
    return STEP_NEXT;
}
