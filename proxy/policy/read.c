/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the rules of a policy from the YAML tree. */
#include "intake/diagnostics.h"
#include "policy/policy_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- mode and allow of a rule ---------------------------------------------------------- */

static void read_mode(struct document *document, const yaml_node_t *node, struct rule *rule)
{
    enum { DEFAULT, FORCE, AUDIT, MODES };
    static const char *const modes[] = {"default", "force", "audit"};
    size_t mode = word_read(document, node, "mode", modes, MODES);
    if (mode < MODES)
        rule->enforcement = mode == AUDIT ? AUDITED : ENFORCED;
    rule->mode = mode == FORCE ? MODE_FORCE : MODE_DEFAULT;
}

static void take_allowed(struct document *document, const yaml_node_t *node, const char *text,
                         void *target)
{
    struct rule *rule = target;
    store_name_check(document, node, text);
    if (strings_have(&rule->allow, text))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "'%.80s' is in the list already", text);
    else if (!strings_add(&rule->allow, text))
        document_no_memory(document, node);
}

static void read_allow(struct document *document, const yaml_node_t *node, struct rule *rule)
{
    document_each_text(document, node, "allow", take_allowed, rule);
    if (rule->allow.count == 0)
        return;
    rule->allow_text = strings_join(&rule->allow, ", ");
    if (!rule->allow_text)
        document_no_memory(document, node);
}

/* --- when ------------------------------------------------------------------------------ */

struct condition_values {
    struct rule *rule;
    enum condition condition;
};

static void check_visibility(struct document *document, const yaml_node_t *node, const char *text)
{
    static const char *const known[] = {"public", "community", "shared", "private"};
    word_find(document, node, "visibility", text, known, sizeof known / sizeof known[0]);
}

static void take_value(struct document *document, const yaml_node_t *node, const char *text,
                       void *target)
{
    const struct condition_values *condition_values = target;
    struct rule *rule = condition_values->rule;
    if (!strings_add(&rule->values[condition_values->condition], text))
        document_no_memory(document, node);
    if (condition_values->condition == CONDITION_VISIBILITY)
        check_visibility(document, node, text);
    if (condition_values->condition == CONDITION_CLIENT)
        network_read(document, node, "client", text, &rule->clients);
    if (condition_values->condition == CONDITION_IMPORT_METHOD)
        method_check(document, node, text);
}

static void read_condition(struct document *document, size_t key, const yaml_node_t *value,
                           void *target)
{
    struct rule *rule = target;
    struct condition_values condition_values = {rule, (enum condition)key};
    const char *name = condition_table[key].name;
    rule->set[key] = true;
    if (key == CONDITION_LARGER_THAN) {
        size_read(document, value, name, &rule->larger_than);
        return;
    }
    document_each_text(document, value, name, take_value, &condition_values);
}

static void read_when(struct document *document, const yaml_node_t *node, struct rule *rule)
{
    const char *names[CONDITION_COUNT];
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        names[i] = condition_table[i].name;
    const struct mapping mapping = {"when", names, CONDITION_COUNT, read_condition};
    document_walk(document, &mapping, node, rule);
}

/* --- rules ----------------------------------------------------------------------------- */

enum rule_key {
    KEY_STORE,
    KEY_MODE,
    KEY_ALLOW,
    KEY_MAX_SIZE,
    KEY_MAX_VIRTUAL_SIZE,
    KEY_CHECKS,
    KEY_LIMITS,
    KEY_DENY,
    KEY_NAME,
    KEY_WHEN
};

/* `default` may have only the keys before "name". */
static const char *const rule_keys[] = {
    [KEY_STORE] = "store",
    [KEY_MODE] = "mode",
    [KEY_ALLOW] = "allow",
    [KEY_MAX_SIZE] = "max_size",
    [KEY_MAX_VIRTUAL_SIZE] = "max_virtual_size",
    [KEY_CHECKS] = "checks",
    [KEY_LIMITS] = "limits",
    [KEY_DENY] = "deny",
    [KEY_NAME] = "name",
    [KEY_WHEN] = "when",
};

static void read_rule_value(struct document *document, size_t key, const yaml_node_t *value,
                            void *target)
{
    struct rule *rule = target;
    switch ((enum rule_key)key) {
    case KEY_STORE:
        rule->store = text_read(document, value, "store");
        if (rule->store)
            store_name_check(document, value, rule->store);
        break;
    case KEY_MODE:
        read_mode(document, value, rule);
        break;
    case KEY_ALLOW:
        read_allow(document, value, rule);
        break;
    case KEY_MAX_SIZE:
        limit_read(document, value, rule_keys[key], &rule->max_size);
        break;
    case KEY_MAX_VIRTUAL_SIZE:
        limit_read(document, value, rule_keys[key], &rule->max_virtual_size);
        break;
    case KEY_CHECKS:
        checks_read(document, value, &rule->checks);
        break;
    case KEY_LIMITS:
        limits_read(document, value, &rule->limits);
        break;
    case KEY_DENY:
        rule->deny = text_read(document, value, "deny");
        break;
    case KEY_NAME:
        rule->name = text_read(document, value, "name");
        if (rule->name)
            name_check(document, value, rule->name, "the rule's name");
        break;
    case KEY_WHEN:
        read_when(document, value, rule);
        break;
    }
}

/* Appends a rule. NULL: no memory. */
static struct rule *add_rule(struct document *document, struct policy *policy,
                             const yaml_node_t *node)
{
    struct rule *rules = reallocarray(policy->rules, policy->count + 1, sizeof *rules);
    if (!rules) {
        document_no_memory(document, node);
        return NULL;
    }
    policy->rules = rules;
    struct rule *rule = &rules[policy->count++];
    *rule = (struct rule){
        .line = document_line(node), .max_size = UINT64_MAX, .max_virtual_size = UINT64_MAX};
    return rule;
}

static void read_rule(struct document *document, const struct mapping *mapping,
                      const yaml_node_t *node, struct rule *rule)
{
    document_walk(document, mapping, node, rule);
    if (rule->enforcement == AUDITED)
        rule->mode = rule->allow.count > 0 ? MODE_DEFAULT : MODE_FORCE;
}

static void read_rules(struct document *document, const yaml_node_t *node, struct policy *policy)
{
    static const struct mapping mapping = {"a rule", rule_keys, KEY_WHEN + 1, read_rule_value};
    if (document_is_null(node)) /* all rules are commented out */
        return;
    if (node->type != YAML_SEQUENCE_NODE) {
        document_report(document, node, "rules must be a list");
        return;
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *each = yaml_document_get_node(&document->tree, *item);
        if (policy->count == POLICY_RULES_MAX) {
            document_report(document, each, "one rule too many");
            return;
        }
        if (each->type != YAML_MAPPING_NODE) {
            document_report(document, each, "a rule must be keys and values");
            continue;
        }
        struct rule *rule = add_rule(document, policy, each);
        if (rule)
            read_rule(document, &mapping, each, rule);
    }
}

/* --- the policy ------------------------------------------------------------------------ */

enum top_key {
    KEY_TOP_MODE,
    KEY_TOP_LIMITS,
    KEY_RULES,
    KEY_DEFAULT,
    KEY_INGEST,
    KEY_STORES,
    TOP_KEYS
};

struct top {
    struct policy *policy;
    const yaml_node_t *fallback;
};

static void read_top_mode(struct document *document, const yaml_node_t *node, struct policy *policy)
{
    enum { ENFORCE, AUDIT, MODES };
    static const char *const modes[] = {"enforce", "audit"};
    policy->audit = word_read(document, node, "mode", modes, MODES) == AUDIT;
}

static void read_top_value(struct document *document, size_t key, const yaml_node_t *value,
                           void *target)
{
    struct top *top = target;
    switch ((enum top_key)key) {
    case KEY_TOP_MODE:
        read_top_mode(document, value, top->policy);
        break;
    case KEY_TOP_LIMITS:
        limits_read(document, value, &top->policy->limits);
        break;
    case KEY_RULES:
        if (top->fallback)
            document_report(document, value, "rules must come before default");
        read_rules(document, value, top->policy);
        break;
    case KEY_DEFAULT:
        top->fallback = value;
        break;
    case KEY_INGEST:
        ingest_read(document, value, &top->policy->ingest);
        break;
    default:
        stores_read(document, value, top->policy);
    }
}

void policy_read(struct document *document, struct policy *policy)
{
    static const char *const keys[] = {
        [KEY_TOP_MODE] = "mode",   [KEY_TOP_LIMITS] = "limits", [KEY_RULES] = "rules",
        [KEY_DEFAULT] = "default", [KEY_INGEST] = "doors",      [KEY_STORES] = "stores"};
    static const struct mapping whole = {"the policy", keys, TOP_KEYS, read_top_value};
    static const struct mapping fallback = {"default", rule_keys, KEY_NAME, read_rule_value};
    struct top top = {policy, NULL};
    const yaml_node_t *root = yaml_document_get_root_node(&document->tree);
    if (root)
        document_walk(document, &whole, root, &top);
    if (!top.fallback) {
        diagnostics_add(document->diagnostics, document->path, 0,
                        "default is missing: it decides about uploads that match no rule");
        return;
    }
    struct rule *rule = add_rule(document, policy, top.fallback);
    if (!rule)
        return;
    rule->name = strdup(POLICY_DEFAULT);
    if (!rule->name)
        document_no_memory(document, top.fallback);
    read_rule(document, &fallback, top.fallback, rule);
}
