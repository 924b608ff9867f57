/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/units.h"
#include "policy/policy_priv.h"

#include <stdlib.h>

/* --- why not: the rules above the one that applies ------------------------------------- */

static void explain_size(const struct rule *rule, const struct policy_facts *facts,
                         struct buffer *out)
{
    char limit[UNITS_TEXT_MAX];
    char size[UNITS_TEXT_MAX];
    units_print_size(rule->larger_than, limit);
    units_print_size(facts->size, size);
    if (facts->size_known)
        buffer_print(out, "the size is %s, not larger than %s", size, limit);
    else
        buffer_print(out, "the size is not known to be larger than %s", limit);
}

static void explain_mismatch(const struct rule *rule, enum condition condition,
                             const struct policy_facts *facts, struct buffer *out)
{
    buffer_print(out, "not %s (line %d): ", rule->name, rule->line);
    if (condition == CONDITION_LARGER_THAN) {
        explain_size(rule, facts, out);
    } else {
        const char *fact = condition_fact(condition, facts);
        char *wanted = texts_join(&rule->wanted[condition], " or ");
        buffer_print(out, "%s is %s, not %s", condition_table[condition].name,
                     fact ? fact : "not set", wanted ? wanted : "what it wants");
        free(wanted);
    }
    buffer_append(out, "\n", 1);
}

/* --- the one that applies -------------------------------------------------------------- */

static void explain_conditions(const struct rule *rule, struct buffer *out)
{
    const char *before = "because these hold: ";
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        if (rule->set[i]) {
            buffer_print(out, "%s%s", before, condition_table[i].name);
            before = ", ";
        }
    buffer_print(out, "%s\n", *before == ',' ? "" : "because it has no condition");
}

static void explain_store(const struct rule *rule, const struct policy_facts *facts,
                          const struct policy_decision *decision, struct buffer *out)
{
    buffer_print(out, "store: %s\n", decision->store);
    if (!facts->asked_store)
        buffer_print(out, "the client asked for no store\n");
    else if (decision->replaced)
        buffer_print(out, "the client asked for %s; mode force replaces that\n",
                     facts->asked_store);
    else if (rule->mode == MODE_FORCE)
        buffer_print(out, "the client asked for it, too\n");
    else
        buffer_print(out, "the client asked for it, and may\n");
}

static void explain_too_large(const struct policy_facts *facts,
                              const struct policy_decision *decision, struct buffer *out)
{
    char size[UNITS_TEXT_MAX];
    char limit[UNITS_TEXT_MAX];
    units_print_size(facts->size, size);
    units_print_size(decision->max_size, limit);
    buffer_print(out, "refused (too_large): %s is more than the rule's %s\n", size, limit);
}

static void explain_verdict(const struct rule *rule, const struct policy_facts *facts,
                            const struct policy_decision *decision, struct buffer *out)
{
    switch (decision->verdict) {
    case POLICY_ACCEPT:
        explain_store(rule, facts, decision, out);
        break;
    case POLICY_DENY:
        buffer_print(out, "refused (denied_by_policy): %s\n", decision->why);
        break;
    case POLICY_STORE_NOT_ALLOWED:
        buffer_print(out, "refused (store_not_allowed): the client asked for %s; allowed: %s\n",
                     facts->asked_store,
                     decision->allowed ? decision->allowed : "any store but Glance's own");
        break;
    case POLICY_TOO_LARGE:
        explain_too_large(facts, decision, out);
        break;
    }
}

static void explain_limits(const struct policy_decision *decision, struct buffer *out)
{
    char text[UNITS_TEXT_MAX];
    if (decision->verdict != POLICY_ACCEPT)
        return;
    if (decision->max_size != UINT64_MAX) {
        units_print_size(decision->max_size, text);
        buffer_print(out, "at most: %s\n", text);
    }
    if (decision->max_virtual_size != UINT64_MAX) {
        units_print_size(decision->max_virtual_size, text);
        buffer_print(out, "the disk inside the image: at most %s\n", text);
    }
    if (decision->size_ceiling != UINT64_MAX) {
        units_print_size(decision->size_ceiling, text);
        buffer_print(out, "beyond %s another rule would apply: say the size to see it\n", text);
    }
}

void policy_explain(const struct policy *policy, const struct policy_facts *facts,
                    struct buffer *out)
{
    const struct rule *chosen = policy_find_rule(policy, facts);
    struct policy_decision decision;
    policy_decide(policy, facts, &decision);
    for (const struct rule *rule = policy->rules; rule < chosen; rule++)
        explain_mismatch(rule, rule_mismatch(rule, facts, false), facts, out);
    buffer_print(out, "rule: %s (line %d)\n", chosen->name, chosen->line);
    if (chosen + 1 == policy->rules + policy->count)
        buffer_print(out, "because no other rule applies\n");
    else
        explain_conditions(chosen, out);
    explain_verdict(chosen, facts, &decision, out);
    explain_limits(&decision, out);
}
