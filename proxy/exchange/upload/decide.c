/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the policy: which store, or why not, and how large the image may be.
 *
 * A rule may depend on the size. If the size becomes known only later (the file in a form, a body
 * that is spooled), the decision counts at once only if no size could change it. Otherwise the
 * policy is asked again when the size is known.
 *
 * What happens to an upload without a length depends on the store that the policy names for an
 * unknown size: it is spooled, and then the size comes; it is streamed; or it is refused.
 *
 * In audit mode the size does not become known: the form goes on, and nothing is spooled. Then the
 * rule for an unknown size counts. But if another rule, which may be enforced, is for larger
 * uploads, the upload must not become larger than the rule that was chosen allows. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"

#include <string.h>

static void ask_policy(struct upload_flow *upload)
{
    struct image_check *check = &upload->check;
    struct policy_facts facts = image_check_facts(&upload->x, check);
    facts.requested_store = check->requested_store;
    facts.size_known = upload->size.known;
    facts.size = upload->size.bytes;
    policy_decide(upload->x.snapshot->policy, &facts, &check->decision);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum step_result report_store(struct exchange *x, const struct image_check *check)
{
    const struct policy_decision *decision = &check->decision;
    return report_violation_for(
        x, REFUSAL_STORE_NOT_ALLOWED, "it asks for %s, and the policy allows %s",
        check->requested_store ? check->requested_store : decision->store,
        decision->allowed ? decision->allowed : "any store but Glance's reserved ones");
}

static enum step_result obey(struct exchange *x, const struct image_check *check,
                             const struct upload_size *size)
{
    const struct policy_decision *decision = &check->decision;
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    switch (decision->verdict) {
    case POLICY_DENY:
        return report_violation_for(x, REFUSAL_DENIED_BY_POLICY, "%s", decision->why);
    case POLICY_STORE_NOT_ALLOWED:
        return report_store(x, check);
    case POLICY_TOO_LARGE:
        return report_too_large(x, size->bytes, smaller(decision->max_size, everywhere));
    default:
        return size->known && size->bytes > everywhere
                   ? report_too_large(x, size->bytes, everywhere)
                   : STEP_NEXT;
    }
}

bool upload_may_be_empty(const struct image_check *check)
{
    return check->image.of_volumes || check->decision.checks.empty_allowed;
}

static enum step_result check_emptiness(struct upload_flow *upload)
{
    return upload->head.empty && !upload_may_be_empty(&upload->check)
               ? report_violation(&upload->x, REFUSAL_EMPTY_BODY)
               : STEP_NEXT;
}

/* --- an unknown length ------------------------------------------------------------------- */

static bool lacks_length(const struct upload_flow *upload)
{
    return upload->head.no_length && !upload->size.known;
}

static struct policy_length unknown_length(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    bool staged = x->record->kind == RECORD_STAGE;
    return policy_unknown_length(x->snapshot->policy, staged ? NULL : upload->check.decision.store,
                                 x->snapshot->settings->upload.unknown_length);
}

bool upload_is_spooled_first(const struct upload_flow *upload)
{
    return upload->head.no_length && upload->size.comes_later && !audit_only(&upload->x);
}

/* The spool may be full. */
static enum step_result spool_first(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    upload->size.comes_later = true;
    upload->head.fixes |= FIX_LENGTH;
    if (spools_used(x->parts->spools) < x->snapshot->settings->upload.spool_limit)
        return STEP_NEXT;
    return report_violation(x, REFUSAL_SPOOL_FULL);
}

static enum step_result prepare_for_length(struct upload_flow *upload)
{
    if (!lacks_length(upload) || unknown_length(upload).rule != UNKNOWN_LENGTH_SPOOL)
        return STEP_NEXT;
    return spool_first(upload);
}

static enum step_result require_length(struct upload_flow *upload)
{
    struct policy_length length = unknown_length(upload);
    if (!lacks_length(upload) || length.rule != UNKNOWN_LENGTH_REJECT)
        return STEP_NEXT;
    if (!length.store)
        return report_violation(&upload->x, REFUSAL_LENGTH_REQUIRED);
    return report_violation_for(&upload->x, REFUSAL_LENGTH_REQUIRED,
                                "the store %s takes no upload without one", length.store);
}

/* --- the decision ------------------------------------------------------------------------ */

bool upload_decision_waits(const struct upload_flow *upload)
{
    const struct upload_size *size = &upload->size;
    return size->comes_later && !size->known && !audit_only(&upload->x) &&
           upload->check.decision.size_ceiling != UINT64_MAX;
}

bool upload_chosen_by_size(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    bool plain = upload_framing(upload) != FRAMING_CHUNKED && !upload->head.declared_form;
    return audit_only(x) && !plain && policy_audits(x->snapshot->policy) == POLICY_AUDITS_SOME;
}

/* Beyond this size another rule would apply. There is no limit if the size would have become known
 * without audit mode. */
static uint64_t size_ceiling(const struct upload_flow *upload)
{
    const struct upload_size *size = &upload->size;
    bool would_come = size->comes_later && audit_only(&upload->x) && !upload_chosen_by_size(upload);
    return size->known || would_come ? UINT64_MAX : upload->check.decision.size_ceiling;
}

struct body_limits upload_limits(const struct upload_flow *upload)
{
    uint64_t everywhere = upload->x.snapshot->settings->upload.max_size;
    if (upload_decision_waits(upload))
        return (struct body_limits){everywhere, UINT64_MAX, UINT64_MAX};
    const struct policy_decision *decision = &upload->check.decision;
    return (struct body_limits){
        .max_size = smaller(decision->max_size, everywhere),
        .size_ceiling = size_ceiling(upload),
        .max_virtual_size = decision->max_virtual_size,
    };
}

struct check_levels upload_checks(const struct upload_flow *upload)
{
    return policy_check_levels(&upload->check.decision.checks,
                               &upload->x.snapshot->settings->upload.checks);
}

/* In audit mode Glance tells the store after the upload (verify.c). */
static enum step_result obey_and_record(struct exchange *x, struct upload_flow *upload)
{
    const struct image_check *check = &upload->check;
    const struct policy_decision *decision = &check->decision;
    const char *requested = check->requested_store;
    const char *store = x->record->kind == RECORD_STAGE ? NULL : decision->store;
    if (!records_decided(x->parts->records, x->record, decision->rule,
                         audit_only(x) ? NULL : store))
        return exchange_no_memory(x);
    enum step_result obeyed = obey(x, check, &upload->size);
    if (obeyed == STEP_NEXT)
        obeyed = require_length(upload);
    if (obeyed != STEP_NEXT || !store)
        return obeyed;
    return report_missing_store(x, store, requested && strcmp(requested, store) == 0);
}

enum step_result upload_decide(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    ask_policy(upload);
    enum step_result result = audit_decided(x, upload->check.decision.audit);
    if (result == STEP_NEXT)
        result = check_emptiness(upload);
    if (result == STEP_NEXT)
        result = prepare_for_length(upload);
    if (result != STEP_NEXT || upload_decision_waits(upload))
        return result;
    return obey_and_record(x, upload);
}
