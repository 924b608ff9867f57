/* SPDX-License-Identifier: Apache-2.0 */
/* Decides an upload: finds the rule that applies, and the store. */
#include "policy/policy_priv.h"

#include <string.h>

static bool size_could_choose(const struct rule *rule, const struct policy_facts *facts)
{
    return rule->set[CONDITION_LARGER_THAN] && rule_mismatch(rule, facts, true) == CONDITION_COUNT;
}

/* The smallest `larger_than` of the previous rules that do not apply only because the size is not
 * known. */
static uint64_t size_ceiling(const struct policy *policy, const struct rule *chosen,
                             const struct policy_facts *facts)
{
    uint64_t ceiling = UINT64_MAX;
    if (facts->size_known)
        return ceiling;
    for (const struct rule *rule = policy->rules; rule < chosen; rule++)
        if (rule->larger_than < ceiling && size_could_choose(rule, facts))
            ceiling = rule->larger_than;
    return ceiling;
}

/* True: one of these rules has other checks than the chosen rule. */
static bool checks_by_size(const struct policy *policy, const struct rule *chosen,
                           const struct policy_facts *facts)
{
    if (facts->size_known)
        return false;
    for (const struct rule *rule = policy->rules; rule < chosen; rule++)
        if (size_could_choose(rule, facts) && !checks_equal(&rule->checks, &chosen->checks))
            return true;
    return false;
}

/* Whether the rule would apply if each unknown fact were what it asks for. */
static bool could_apply(const struct rule *rule, const struct policy_facts *facts,
                        const struct policy_unknown *unknown)
{
    const bool open[CONDITION_COUNT] = {
        [CONDITION_DISK_FORMAT] = unknown->formats,
        [CONDITION_CONTAINER_FORMAT] = unknown->formats,
        [CONDITION_NAME] = unknown->names,
        [CONDITION_VISIBILITY] = unknown->names,
    };
    for (enum condition i = 0; i < CONDITION_COUNT; i++)
        if (rule->set[i] && !open[i] && !condition_holds(rule, i, facts))
            return false;
    return true;
}

bool policy_is_settled(const struct policy *policy, const struct policy_facts *facts,
                       const struct policy_unknown *unknown)
{
    const struct rule *chosen = policy_find_rule(policy, facts);
    bool all_deny = chosen->deny && !policy->audit && chosen->enforcement != AUDITED;
    bool settled = true;
    for (const struct rule *rule = policy->rules; rule < chosen; rule++) {
        if (!could_apply(rule, facts, unknown))
            continue;
        settled = false;
        all_deny = all_deny && rule->deny && rule->enforcement != AUDITED;
    }
    return settled || all_deny;
}

bool rule_allows_store(const struct rule *rule, const char *requested)
{
    if (rule->mode == MODE_FORCE)
        return strcmp(requested, rule->store) == 0;
    if (!policy_name_valid(requested) || policy_store_reserved(requested))
        return false;
    return rule->allow.count == 0 || strings_have(&rule->allow, requested);
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_decision *decision)
{
    const struct rule *rule = policy_find_rule(policy, facts);
    const char *requested = facts->requested_store;
    *decision = (struct policy_decision){
        .verdict = POLICY_ACCEPT,
        .rule = rule->name,
        .max_size = rule->max_size,
        .max_virtual_size = rule->max_virtual_size,
        .audit = policy->audit || rule->enforcement == AUDITED,
        .checks = rule->checks,
        .checks_by_size = checks_by_size(policy, rule, facts),
        .size_ceiling = size_ceiling(policy, rule, facts),
    };
    for (enum policy_limit i = 0; i < POLICY_LIMIT_COUNT; i++)
        decision->shares[i] = limits_share(policy, rule, i);
    if (rule->deny) {
        decision->verdict = POLICY_DENY;
        decision->why = rule->deny;
        return;
    }
    bool granted = requested && rule_allows_store(rule, requested);
    if (requested && !granted && rule->mode == MODE_DEFAULT) {
        decision->verdict = POLICY_STORE_NOT_ALLOWED;
        decision->allowed = rule->allow_text;
        return;
    }
    decision->store = granted ? requested : rule->store;
    decision->replaced = requested && !granted;
    if (facts->size_known && facts->size > rule->max_size)
        decision->verdict = POLICY_TOO_LARGE;
}
