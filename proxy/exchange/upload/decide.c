/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's part in an upload: which store, or why not; how large it may be.
 *
 * A rule may look at the size. Where that is known only later (the file in a form, a body that is
 * spooled) the decision counts at once only if no size could change it, and is made again when the
 * size is there.
 *
 * Where the policy only watches, the size does not come: the form goes on, and nothing is spooled.
 * Then the rule for an unknown size counts; but if another one, which might be enforced, is for
 * larger uploads, this one is held to what made the rule apply. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>
#include <string.h>

struct policy_facts upload_facts(const struct exchange *x)
{
    return (struct policy_facts){
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .project = x->image.owner,
        .name = x->image.name,
        .visibility = x->image.visibility,
        .client = x->request.origin.address,
        .user_agent = headers_get(&client_head(x->client)->headers, "User-Agent"),
    };
}

static void ask_policy(struct exchange *x)
{
    struct policy_facts facts = upload_facts(x);
    facts.requested_store = x->requested;
    facts.size_known = x->size_known;
    facts.size = x->size;
    policy_decide(x->snapshot->policy, &facts, &x->decision);
}

enum step_result upload_report_size(struct exchange *x, uint64_t size, uint64_t max)
{
    return report_violation_for(x, REFUSAL_TOO_LARGE,
                                "it has %" PRIu64 " bytes, and the limit is %" PRIu64, size, max);
}

static enum step_result obey(struct exchange *x)
{
    const struct policy_decision *decision = &x->decision;
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    switch (decision->verdict) {
    case POLICY_DENY:
        return report_violation_for(x, REFUSAL_DENIED_BY_POLICY, "%s", decision->why);
    case POLICY_STORE_NOT_ALLOWED:
        return report_violation_for(
            x, REFUSAL_STORE_NOT_ALLOWED, "it asks for %s, and the policy allows %s",
            x->requested ? x->requested : decision->store,
            decision->allowed ? decision->allowed : "any store but Glance's reserved ones");
    case POLICY_TOO_LARGE:
        return upload_report_size(
            x, x->size, decision->max_size < everywhere ? decision->max_size : everywhere);
    default:
        return x->size_known && x->size > everywhere ? upload_report_size(x, x->size, everywhere)
                                                     : STEP_NEXT;
    }
}

bool upload_may_be_empty(const struct exchange *x)
{
    return x->image.of_volumes || x->decision.checks.empty_allowed;
}

static enum step_result judge_emptiness(struct exchange *x)
{
    return x->empty && !upload_may_be_empty(x) ? report_violation(x, REFUSAL_EMPTY_BODY)
                                               : STEP_NEXT;
}

enum step_result upload_look_for_store(struct exchange *x, const char *store, bool was_requested)
{
    if (stores_look(x->parts->stores, store) != STORE_MISSING)
        return STEP_NEXT;
    struct buffer list;
    buffer_init(&list, 1024);
    stores_list(x->parts->stores, &list);
    enum step_result result =
        report_violation_for(x, was_requested ? REFUSAL_STORE_NOT_ALLOWED : REFUSAL_STORE_UNKNOWN,
                             "it %s %s, and Glance has %s", was_requested ? "asks for" : "names",
                             store, buffer_text(&list));
    buffer_free(&list);
    return result;
}

bool upload_decision_waits(const struct exchange *x)
{
    return x->size_comes && !x->size_known && !audit_only(x) &&
           x->decision.size_ceiling != UINT64_MAX;
}

bool upload_chosen_by_size(const struct exchange *x)
{
    bool plain = client_framing(x->client)->framing != FRAMING_CHUNKED && !x->declared_form;
    return audit_only(x) && !plain && policy_audits(x->snapshot->policy) == POLICY_AUDITS_SOME;
}

/* Beyond it another rule would apply; unless the size would have come if it was not only watched.
 */
static uint64_t size_ceiling(const struct exchange *x)
{
    bool would_come = x->size_comes && audit_only(x) && !upload_chosen_by_size(x);
    return x->size_known || would_come ? UINT64_MAX : x->decision.size_ceiling;
}

struct body_limits upload_limits(const struct exchange *x)
{
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    if (upload_decision_waits(x))
        return (struct body_limits){everywhere, UINT64_MAX, UINT64_MAX};
    const struct policy_decision *decision = &x->decision;
    return (struct body_limits){
        .max_size = decision->max_size < everywhere ? decision->max_size : everywhere,
        .size_ceiling = size_ceiling(x),
        .max_virtual_size = decision->max_virtual_size,
    };
}

struct check_levels upload_checks(const struct exchange *x)
{
    return policy_check_levels(&x->decision.checks, &x->snapshot->settings->upload.checks);
}

enum step_result upload_decide(struct exchange *x)
{
    ask_policy(x);
    enum step_result result = audit_decided(x);
    if (result == STEP_NEXT)
        result = judge_emptiness(x);
    if (result != STEP_NEXT || upload_decision_waits(x))
        return result;
    const char *store = x->record->kind == RECORD_STAGE ? NULL : x->decision.store;
    /* Where it is going if it is only watched is for Glance to tell. */
    if (!records_decided(x->parts->records, x->record, x->decision.rule,
                         audit_only(x) ? NULL : store))
        return exchange_no_memory(x);
    enum step_result obeyed = obey(x);
    if (obeyed != STEP_NEXT || !store)
        return obeyed;
    return upload_look_for_store(x, store, x->requested && strcmp(x->requested, store) == 0);
}
