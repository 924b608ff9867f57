/* SPDX-License-Identifier: Apache-2.0 */
/* An import may ask for several stores, in the body or by the header; Glance takes what it is asked
 * for in one way only, and refuses the rest itself. What is not to be changed is left to that. */
#include "policy/policy_priv.h"

#include <string.h>

static const char ALL_STORES[] = "all stores";
static const char COPY_IMAGE[] = "copy-image";
static const char GLANCE_DIRECT[] = "glance-direct";

/* --- what it asks for -------------------------------------------------------------------- */

static const char *first_refused(const struct rule *rule, const char *const *stores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rule_lets_have(rule, stores[i]))
            return stores[i];
    return NULL;
}

/* Of all that are asked for, the first that the rule does not let a client have; NULL: none. */
static const char *not_to_be_had(const struct rule *rule,
                                 const struct import_stores_requested *requested)
{
    bool any = rule->mode == MODE_DEFAULT && rule->allow.count == 0;
    if (requested->header && !rule_lets_have(rule, requested->header))
        return requested->header;
    const char *listed = first_refused(rule, requested->stores, requested->store_count);
    if (listed || !requested->all)
        return listed;
    if (!requested->there)
        return any ? NULL : ALL_STORES;
    return first_refused(rule, requested->there, requested->there_count) ? ALL_STORES : NULL;
}

static bool asks_for_any(const struct import_stores_requested *requested)
{
    return requested->header || requested->store_count > 0 || requested->all;
}

/* NULL: it is not one alone. */
static const char *the_only_one(const struct import_stores_requested *requested)
{
    if (requested->all)
        return requested->there && requested->there_count == 1 ? requested->there[0] : NULL;
    if (requested->store_count == 0)
        return requested->header;
    return requested->store_count == 1 && !requested->header ? requested->stores[0] : NULL;
}

/* --- what becomes of it ------------------------------------------------------------------ */

static void refuse_store(const struct rule *rule, const char *store,
                         struct import_decision *decision)
{
    decision->policy.verdict = POLICY_STORE_NOT_ALLOWED;
    decision->policy.allowed = rule->mode == MODE_FORCE ? rule->store : rule->allow_text;
    decision->refused = store;
}

static void change_store(const struct rule *rule, const struct import_stores_requested *requested,
                         struct import_decision *decision)
{
    decision->policy.store = rule->store;
    decision->policy.replaced = asks_for_any(requested);
    decision->change = requested->listed || requested->all ? IMPORT_SET_BODY : IMPORT_SET_HEADER;
}

/* Glance may have got a store since it was asked which there are: where one is forced, `all_stores`
 * is never kept. */
static void decide_store(const struct rule *rule, bool copies,
                         const struct import_stores_requested *requested,
                         struct import_decision *decision)
{
    const char *refused = not_to_be_had(rule, requested);
    bool too_many = requested->all && rule->mode == MODE_FORCE;
    if (refused && (copies || rule->mode == MODE_DEFAULT))
        refuse_store(rule, refused, decision);
    else if (refused || too_many || !asks_for_any(requested))
        change_store(rule, requested, decision);
    else
        decision->policy.store = the_only_one(requested);
}

static void decide_size(const struct rule *rule, const struct policy_facts *known,
                        struct policy_decision *decision)
{
    if (!policy_import_has_data(known->import_method))
        return;
    decision->max_size = rule->max_size;
    bool accepted = decision->verdict == POLICY_ACCEPT;
    if (accepted && known->size_known && known->size > rule->max_size)
        decision->verdict = POLICY_TOO_LARGE;
}

bool policy_import_has_data(const char *method)
{
    return method && (strcmp(method, GLANCE_DIRECT) == 0 || strcmp(method, COPY_IMAGE) == 0);
}

struct policy_facts import_facts(const struct policy_facts *facts)
{
    struct policy_facts known = *facts;
    known.size_known = facts->size_known && policy_import_has_data(facts->import_method);
    return known;
}

void policy_decide_import(const struct policy *policy, const struct policy_facts *facts,
                          const struct import_stores_requested *requested,
                          struct import_decision *decision)
{
    const struct policy_facts known = import_facts(facts);
    const struct rule *rule = policy_find_rule(policy, &known);
    const char *method = facts->import_method;
    *decision = (struct import_decision){
        .policy = {.verdict = POLICY_ACCEPT,
                   .rule = rule->name,
                   .max_size = UINT64_MAX,
                   .max_virtual_size = UINT64_MAX,
                   .size_ceiling = UINT64_MAX,
                   .audit = policy->audit || rule->audit},
        .change = IMPORT_KEEP,
    };
    if (!ingest_takes_method(&policy->ingest, method, facts->client)) {
        decision->policy.verdict = POLICY_METHOD_DENIED;
        decision->policy.audit = policy->audit; /* `doors` are no rule's */
    } else if (rule->deny) {
        decision->policy.verdict = POLICY_DENY;
        decision->policy.why = rule->deny;
    } else {
        decide_store(rule, method && strcmp(method, COPY_IMAGE) == 0, requested, decision);
        decide_size(rule, &known, &decision->policy);
    }
}
