/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a policy as a whole: contradictions between the keys of a rule, and between rules. */
#include "intake/diagnostics.h"
#include "policy/policy_priv.h"

#include <string.h>

struct check {
    const char *path;
    struct diagnostics *diagnostics;
};

static void report(const struct check *check, const struct rule *rule, const char *what)
{
    diagnostics_add(check->diagnostics, check->path, rule->line, "%s: %s",
                    rule->name ? rule->name : "this rule", what);
}

static void check_deny(const struct check *check, const struct rule *rule)
{
    bool limited = rule->max_size != UINT64_MAX || rule->max_virtual_size != UINT64_MAX;
    if (rule->store || rule->enforcement == ENFORCED || rule->allow.count > 0 || limited ||
        checks_any(&rule->checks) || limits_any(&rule->limits))
        report(check, rule,
               "with deny there is nothing for store, allow, max_size, max_virtual_size, checks, "
               "limits or any mode but audit to do");
}

static void check_store(const struct check *check, const struct rule *rule)
{
    if (!rule->store) {
        report(check, rule, "needs a store, or deny with a reason");
        return;
    }
    if (rule->mode == MODE_FORCE && rule->allow.count > 0)
        report(check, rule, "mode force leaves nothing to choose, so allow cannot be there");
    else if (rule->allow.count > 0 && !strings_have(&rule->allow, rule->store))
        report(check, rule, "its own store is not in allow");
    if (rule->set[CONDITION_LARGER_THAN] && rule->max_size <= rule->larger_than)
        report(check, rule, "max_size is not above larger_than: nothing could pass");
}

/* The size of an import is not known, so such conditions and limits would have no effect. */
static void check_import(const struct check *check, const struct rule *rule)
{
    bool limited = rule->max_size != UINT64_MAX || rule->max_virtual_size != UINT64_MAX;
    if (rule->set[CONDITION_IMPORT_METHOD] && (rule->set[CONDITION_LARGER_THAN] || limited))
        report(check, rule,
               "the size of an import is not known: with import_method there is nothing for "
               "larger_than, max_size or max_virtual_size to do");
    if (rule->set[CONDITION_IMPORT_METHOD] &&
        (checks_any(&rule->checks) || limits_any(&rule->limits)))
        report(check, rule,
               "only uploads are checked and limited: with import_method there is nothing for "
               "checks or limits to do");
}

/* The name identifies the rule in X-Intake-Rule and in the log, so it must be unique. */
static void check_name(const struct check *check, const struct policy *policy, size_t index)
{
    const struct rule *rule = &policy->rules[index];
    if (!rule->name) {
        report(check, rule, "needs a name");
        return;
    }
    for (size_t i = 0; i < index; i++)
        if (policy->rules[i].name && strcmp(policy->rules[i].name, rule->name) == 0) {
            diagnostics_add(check->diagnostics, check->path, rule->line,
                            "the name '%.80s' is taken by the rule on line %d", rule->name,
                            policy->rules[i].line);
            return;
        }
}

/* True: some rule allows any store. */
static bool any_store_allowed(const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (!rule->deny && rule->mode == MODE_DEFAULT && rule->allow.count == 0)
            return true;
    }
    return false;
}

static bool is_reachable(const struct policy *policy, const char *store)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct rule *rule = &policy->rules[i];
        if ((rule->store && strcmp(rule->store, store) == 0) || strings_have(&rule->allow, store))
            return true;
    }
    return false;
}

/* Facts about a store whose name is misspelt would never be used. */
static void check_facts(const struct check *check, const struct policy *policy)
{
    if (any_store_allowed(policy))
        return;
    for (size_t i = 0; i < policy->store_count; i++)
        if (!is_reachable(policy, policy->stores[i].store.name))
            diagnostics_add(check->diagnostics, check->path, policy->stores[i].line,
                            "stores: no rule leads to '%.80s'", policy->stores[i].store.name);
}

void policy_check(const struct policy *policy, const char *path, struct diagnostics *diagnostics)
{
    const struct check check = {path, diagnostics};
    for (size_t i = 0; i < policy->count; i++) {
        const struct rule *rule = &policy->rules[i];
        check_name(&check, policy, i);
        if (rule->deny)
            check_deny(&check, rule);
        else
            check_store(&check, rule);
        check_import(&check, rule);
    }
    check_facts(&check, policy);
}
