/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and frees a policy, and answers questions about it as a whole. */
#include "intake/diagnostics.h"
#include "policy/policy_priv.h"

#include <stdlib.h>

static void rule_free(struct rule *rule)
{
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        strings_free(&rule->values[i]);
    networks_free(&rule->clients);
    strings_free(&rule->allow);
    free(rule->allow_text);
    free(rule->name);
    free(rule->deny);
    free(rule->store);
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->count; i++)
        rule_free(&policy->rules[i]);
    free(policy->rules);
    for (size_t i = 0; i < policy->store_count; i++)
        store_facts_free(&policy->stores[i]);
    free(policy->stores);
    ingest_free(&policy->ingest);
    free(policy);
}

struct policy *policy_load(const char *path, struct diagnostics *diagnostics)
{
    struct document document = {.path = path, .diagnostics = diagnostics};
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy)
        diagnostics_add(diagnostics, path, 0, "no memory");
    if (policy && document_open(&document)) {
        policy_read(&document, policy);
        policy_check(policy, path, diagnostics);
        yaml_document_delete(&document.tree);
    }
    if (diagnostics->count == 0)
        return policy;
    policy_free(policy);
    return NULL;
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->count - 1;
}

enum policy_audit_scope policy_audits(const struct policy *policy)
{
    if (policy->audit)
        return POLICY_AUDITS_ALL;
    for (const struct rule *rule = policy->rules; rule < policy->rules + policy->count; rule++)
        if (rule->enforcement == AUDITED)
            return POLICY_AUDITS_SOME;
    return POLICY_AUDITS_NONE;
}

void policy_each_store(const struct policy *policy, void (*visit)(const char *name, void *context),
                       void *context)
{
    for (const struct rule *rule = policy->rules; rule < policy->rules + policy->count; rule++) {
        if (rule->store)
            visit(rule->store, context);
        for (size_t i = 0; i < rule->allow.count; i++)
            visit(rule->allow.items[i], context);
    }
}
