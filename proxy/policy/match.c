/* SPDX-License-Identifier: Apache-2.0 */
/* The table of conditions, and whether a rule's conditions hold for the facts. */
#include "policy/policy_priv.h"

#include <fnmatch.h>
#include <string.h>

#define FACT(member) offsetof(struct policy_facts, member)

const struct condition_row condition_table[CONDITION_COUNT] = {
    [CONDITION_DISK_FORMAT] = {"disk_format", COMPARE_EQUAL, FACT(disk_format)},
    [CONDITION_CONTAINER_FORMAT] = {"container_format", COMPARE_EQUAL, FACT(container_format)},
    [CONDITION_PROJECT] = {"project", COMPARE_EQUAL, FACT(project)},
    [CONDITION_NAME] = {"name", COMPARE_PATTERN, FACT(name)},
    [CONDITION_VISIBILITY] = {"visibility", COMPARE_EQUAL, FACT(visibility)},
    [CONDITION_LARGER_THAN] = {"larger_than", COMPARE_SIZE, FACT(size)},
    [CONDITION_CLIENT] = {"client", COMPARE_NETWORK, FACT(client)},
    [CONDITION_USER_AGENT] = {"user_agent", COMPARE_PATTERN_ANY_CASE, FACT(user_agent)},
    [CONDITION_IMPORT_METHOD] = {"import_method", COMPARE_EQUAL, FACT(import_method)},
};

const char *condition_fact(enum condition condition, const struct policy_facts *facts)
{
    return *(const char *const *)((const char *)facts + condition_table[condition].fact);
}

static bool matches_any(const struct strings *patterns, const char *fact, int flags)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->items[i], fact, flags) == 0)
            return true;
    return false;
}

bool condition_holds(const struct rule *rule, enum condition condition,
                     const struct policy_facts *facts)
{
    if (condition_table[condition].comparison == COMPARE_SIZE)
        return facts->size_known && facts->size > rule->larger_than;
    const char *fact = condition_fact(condition, facts);
    if (!fact)
        return false;
    switch (condition_table[condition].comparison) {
    case COMPARE_PATTERN:
        return matches_any(&rule->values[condition], fact, 0);
    case COMPARE_PATTERN_ANY_CASE:
        return matches_any(&rule->values[condition], fact, FNM_CASEFOLD);
    case COMPARE_NETWORK:
        return networks_have(&rule->clients, fact);
    default:
        return strings_have(&rule->values[condition], fact);
    }
}

enum condition rule_mismatch(const struct rule *rule, const struct policy_facts *facts,
                             bool ignore_size)
{
    for (enum condition i = 0; i < CONDITION_COUNT; i++)
        if (rule->set[i] && !(ignore_size && i == CONDITION_LARGER_THAN) &&
            !condition_holds(rule, i, facts))
            return i;
    return CONDITION_COUNT;
}

const struct rule *policy_find_rule(const struct policy *policy, const struct policy_facts *facts)
{
    size_t i = 0;
    while (i + 1 < policy->count &&
           rule_mismatch(&policy->rules[i], facts, false) != CONDITION_COUNT)
        i++;
    return &policy->rules[i];
}
