/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the store has space for the image, and reserves it.
 *
 * That needs the size. If the size becomes known later, the check is made again. If it never does,
 * the upload is refused only if the store is full. */
#include "exchange/upload/upload_steps.h"

#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>

/* NULL: nothing is known of the store that could be checked. */
static const struct policy_store *store_of(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    const char *name = upload->check.decision.store;
    if (x->record->kind == RECORD_STAGE || !name || upload_decision_waits(upload) ||
        !x->snapshot->settings->upload.check_quota)
        return NULL;
    const struct policy_store *store = policy_store(x->snapshot->policy, name);
    return store && store->has_s3 ? store : NULL;
}

static void cannot_check(struct exchange *x, const struct policy_store *store, const char *why)
{
    metrics_store_unchecked(x->parts->metrics, store->name);
    log_say(LOG_LEVEL_WARNING, "%s: the space in %s is unknown: %s", x->request.id, store->name,
            why);
}

static enum step_result reserve(struct exchange *x, struct capacity_check *capacity,
                                const struct bucket_facts *facts, uint64_t need)
{
    const struct policy_store *store = capacity->store;
    uint64_t limit = facts->quota < store->capacity ? facts->quota : store->capacity;
    uint64_t in_flight = 0;
    switch (capacity_reserve(x->parts->capacity, store->name, need, facts->used, limit,
                             &capacity->reservation, &in_flight)) {
    case CAPACITY_RESERVED:
        return STEP_NEXT;
    case CAPACITY_FULL:
        return report_violation_for(x, REFUSAL_STORE_FULL,
                                    "%s may hold %" PRIu64 " bytes, has %" PRIu64 " and %" PRIu64
                                    " on their way, and this upload needs %" PRIu64,
                                    store->name, limit, facts->used, in_flight, need);
    default:
        return exchange_no_memory(x);
    }
}

static enum step_result ask(struct exchange *x, struct capacity_check *capacity)
{
    capacity_release(&capacity->reservation);
    if (bucket_ask(&capacity->question, x->parts->glance, x->snapshot->settings, capacity->store,
                   exchange_wake_by, x))
        return STEP_WAIT;
    cannot_check(x, capacity->store, "its bucket cannot be asked");
    return STEP_NEXT;
}

static enum step_result begin(struct upload_flow *upload)
{
    struct capacity_check *capacity = &upload->capacity;
    const struct policy_store *store = store_of(upload);
    uint64_t size = upload->size.known ? upload->size.bytes : 0;
    bool same = capacity->store == store && capacity->size == size;
    capacity->store = store;
    capacity->size = size;
    return !store || same ? STEP_NEXT : ask(&upload->x, capacity);
}

/* Runs twice: before the body is asked for, and once its size is certain. */
enum step_result upload_check_capacity(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    struct capacity_check *capacity = &upload->capacity;
    struct bucket_facts facts;
    char why[128];
    if (x->entering)
        return begin(upload);
    if (!capacity->question.over)
        return STEP_WAIT;
    bool read = bucket_read(&capacity->question, &facts, why, sizeof why);
    fetch_end(&capacity->question);
    if (read)
        return reserve(x, capacity, &facts, upload->size.known ? upload->size.bytes : 1);
    cannot_check(x, capacity->store, why);
    return STEP_NEXT;
}
