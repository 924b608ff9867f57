/* SPDX-License-Identifier: Apache-2.0 */
/* Decides an import. An import may request several stores, in the body or by the header. Glance
 * itself refuses an import that requests stores in two ways. So a request that needs no change goes
 * on unchanged. */
#include "policy/policy_priv.h"

#include <string.h>

static const char ALL_STORES[] = "all stores";
static const char COPY_IMAGE[] = "copy-image";
static const char GLANCE_DIRECT[] = "glance-direct";

/* --- requested stores ------------------------------------------------------------------ */

static const char *first_refused(const struct rule *rule, const char *const *stores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rule_allows_store(rule, stores[i]))
            return stores[i];
    return NULL;
}

/* The first requested store that the rule does not allow. NULL: all are allowed. */
static const char *first_not_allowed(const struct rule *rule,
                                     const struct import_stores_requested *requested)
{
    bool any_store = rule->mode == MODE_DEFAULT && rule->allow.count == 0;
    if (requested->header && !rule_allows_store(rule, requested->header))
        return requested->header;
    const char *listed = first_refused(rule, requested->stores, requested->store_count);
    if (listed || !requested->all)
        return listed;
    if (!requested->glance_stores)
        return any_store ? NULL : ALL_STORES;
    return first_refused(rule, requested->glance_stores, requested->glance_store_count) ? ALL_STORES
                                                                                        : NULL;
}

static bool requests_stores(const struct import_stores_requested *requested)
{
    return requested->header || requested->store_count > 0 || requested->all;
}

/* The requested store, if it is exactly one; else NULL. */
static const char *single_store(const struct import_stores_requested *requested)
{
    if (requested->all)
        return requested->glance_stores && requested->glance_store_count == 1
                   ? requested->glance_stores[0]
                   : NULL;
    if (requested->store_count == 0)
        return requested->header;
    return requested->store_count == 1 && !requested->header ? requested->stores[0] : NULL;
}

/* --- the decision ---------------------------------------------------------------------- */

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
    decision->policy.replaced = requests_stores(requested);
    decision->change = requested->listed || requested->all ? IMPORT_SET_BODY : IMPORT_SET_HEADER;
}

/* Glance may have got another store since its stores were read. So `mode: force` never keeps
 * `all_stores`. */
static void decide_store(const struct rule *rule, bool copies,
                         const struct import_stores_requested *requested,
                         struct import_decision *decision)
{
    const char *refused = first_not_allowed(rule, requested);
    bool forced_all = requested->all && rule->mode == MODE_FORCE;
    if (refused && (copies || rule->mode == MODE_DEFAULT))
        refuse_store(rule, refused, decision);
    else if (refused || forced_all || !requests_stores(requested))
        change_store(rule, requested, decision);
    else
        decision->policy.store = single_store(requested);
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
                   .audit = policy->audit || rule->enforcement == AUDITED},
        .change = IMPORT_KEEP,
    };
    if (!ingest_takes_method(&policy->ingest, method, facts->client)) {
        decision->policy.verdict = POLICY_METHOD_DENIED;
        decision->policy.audit = policy->audit; /* `doors` belong to no rule */
    } else if (rule->deny) {
        decision->policy.verdict = POLICY_DENY;
        decision->policy.why = rule->deny;
    } else {
        decide_store(rule, method && strcmp(method, COPY_IMAGE) == 0, requested, decision);
        decide_size(rule, &known, &decision->policy);
    }
}
