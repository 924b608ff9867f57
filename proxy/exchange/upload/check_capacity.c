/* SPDX-License-Identifier: Apache-2.0 */
/* Is there room for the image in the store?
 *
 * That needs the size. Where it comes only later the question is asked again when it is there;
 * where it never comes, only what is full already is refused. */
#include "exchange/upload/upload_steps.h"

#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>

/* NULL: nothing is known of the store that could be checked. */
static const struct policy_store *store_of(const struct exchange *x)
{
    if (x->record->kind == RECORD_STAGE || !x->decision.store || upload_decision_waits(x) ||
        !x->snapshot->settings->upload.check_quota)
        return NULL;
    const struct policy_store *store = policy_store(x->snapshot->policy, x->decision.store);
    return store && store->has_s3 ? store : NULL;
}

static void cannot_tell(struct exchange *x, const struct policy_store *store, const char *why)
{
    metrics_store_unchecked(x->parts->metrics, store->name);
    log_say(LOG_LEVEL_WARNING, "%s: the room in %s is not known: %s", x->request.id, store->name,
            why);
}

static enum step_result take_room(struct exchange *x, const struct policy_store *store,
                                  const struct bucket_facts *facts)
{
    uint64_t limit = facts->quota < store->capacity ? facts->quota : store->capacity;
    uint64_t need = x->size_known ? x->size : 1;
    uint64_t in_flight = 0;
    switch (capacity_reserve(x->parts->capacity, store->name, need, facts->used, limit, &x->room,
                             &in_flight)) {
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

static enum step_result ask(struct exchange *x, const struct policy_store *store)
{
    capacity_release(&x->room);
    if (bucket_ask(&x->bucket_asked, x->parts->glance, x->snapshot->settings, store,
                   exchange_wake_by, x))
        return STEP_WAIT;
    cannot_tell(x, store, "its bucket cannot be asked");
    return STEP_NEXT;
}

/* Entered twice: before the body is asked for, and once its size is certain. */
enum step_result upload_check_capacity(struct exchange *x)
{
    const struct policy_store *store = store_of(x);
    struct bucket_facts facts;
    char why[128];
    if (x->entering) {
        bool same = x->room_store == store && x->room_size == (x->size_known ? x->size : 0);
        x->room_store = store;
        x->room_size = x->size_known ? x->size : 0;
        return !store || same ? STEP_NEXT : ask(x, store);
    }
    if (!x->bucket_asked.over)
        return STEP_WAIT;
    bool read = bucket_read(&x->bucket_asked, &facts, why, sizeof why);
    fetch_end(&x->bucket_asked);
    if (read)
        return take_room(x, store, &facts);
    cannot_tell(x, store, why);
    return STEP_NEXT;
}
