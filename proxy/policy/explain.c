/* SPDX-License-Identifier: Apache-2.0 */
/* Explains a decision as text. */
#include "intake/buffer.h"
#include "intake/units.h"
#include "policy/policy_priv.h"

#include <stdlib.h>

/* --- why the previous rules do not apply ----------------------------------------------- */

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
        char *values = strings_join(&rule->values[condition], " or ");
        buffer_print(out, "%s is %s, not %s", condition_table[condition].name,
                     fact ? fact : "not set", values ? values : "what it wants");
        free(values);
    }
    buffer_append(out, "\n", 1);
}

/* --- the rule that applies ------------------------------------------------------------- */

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

static void explain_rule(const struct policy *policy, const struct policy_facts *facts,
                         const struct rule *chosen, struct buffer *out)
{
    for (const struct rule *rule = policy->rules; rule < chosen; rule++)
        explain_mismatch(rule, rule_mismatch(rule, facts, false), facts, out);
    buffer_print(out, "rule: %s (line %d)\n", chosen->name, chosen->line);
    if (chosen + 1 == policy->rules + policy->count)
        buffer_print(out, "because no other rule applies\n");
    else
        explain_conditions(chosen, out);
}

/* --- the store ------------------------------------------------------------------------- */

static const char *any_or(const char *allowed)
{
    return allowed ? allowed : "any store but Glance's own";
}

/* "the client asked for rbd; mode force replaces that" */
static void explain_replaced(const struct rule *rule, const char *who, const char *requested,
                             struct buffer *out)
{
    buffer_print(out, "%s asked for %s; mode %s that\n", who, requested,
                 rule->enforcement == AUDITED ? "audit, judged as force, would replace"
                                              : "force replaces");
}

static void explain_store(const struct rule *rule, const struct policy_facts *facts,
                          const struct policy_decision *decision, struct buffer *out)
{
    if (!decision->store) {
        buffer_print(out, "store: none yet; staged data gets one when it is imported\n");
        return;
    }
    buffer_print(out, "store: %s\n", decision->store);
    if (!facts->requested_store)
        buffer_print(out, "the client asked for no store\n");
    else if (decision->replaced)
        explain_replaced(rule, "the client", facts->requested_store, out);
    else
        buffer_print(out, "the client asked for it, %s\n",
                     rule->mode == MODE_FORCE ? "too" : "and may");
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

static void explain_limits(const struct policy_decision *decision, struct buffer *out)
{
    char text[UNITS_TEXT_MAX];
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
        buffer_print(out,
                     "above %s another rule applies; streamed data without a size is refused there "
                     "(length_required)\n",
                     text);
    }
}

void policy_explain(const struct policy *policy, const struct policy_facts *facts,
                    const struct policy_decision *decision, struct buffer *out)
{
    const struct rule *rule = policy_find_rule(policy, facts);
    explain_rule(policy, facts, rule, out);
    switch (decision->verdict) {
    case POLICY_DENY:
        buffer_print(out, "refused (denied_by_policy): %s\n", decision->why);
        break;
    case POLICY_STORE_NOT_ALLOWED:
        buffer_print(out, "refused (store_not_allowed): the client asked for %s; allowed: %s\n",
                     facts->requested_store, any_or(decision->allowed));
        break;
    case POLICY_TOO_LARGE:
        explain_too_large(facts, decision, out);
        break;
    default:
        explain_store(rule, facts, decision, out);
        explain_limits(decision, out);
        checks_explain(&decision->checks, out);
        if (!decision->audit)
            limits_explain(decision->shares, out);
    }
}

/* --- imports --------------------------------------------------------------------------- */

enum { REQUESTED_TEXT_MAX = 8192 };

/* "file, test", "all stores", "no store" */
static void print_requested(const struct import_stores_requested *requested, struct buffer *out)
{
    const char *before = "";
    if (requested->header) {
        buffer_print(out, "%s", requested->header);
        before = ", ";
    }
    for (size_t i = 0; i < requested->store_count; i++, before = ", ")
        buffer_print(out, "%s%s", before, requested->stores[i]);
    if (requested->all)
        buffer_print(out, "%sall stores", before);
    if (out->len == 0)
        buffer_print(out, "no store");
}

/* Glance refuses an import with more than one of header, `stores` and `all_stores`. */
static bool requests_twice(const struct import_stores_requested *requested)
{
    return (requested->header != NULL) + requested->listed + requested->all > 1;
}

static void explain_kept(const struct import_stores_requested *requested, const char *asked,
                         const char *store, struct buffer *out)
{
    buffer_print(out, "store: %s\n", store ? store : asked);
    buffer_print(out, "the import asked for %s, and may\n", store ? "it" : "them");
    if (requests_twice(requested))
        buffer_print(out, "but Glance itself refuses what asks for stores in two ways\n");
}

static void explain_import_store(const struct rule *rule,
                                 const struct import_stores_requested *requested,
                                 const struct import_decision *decision, struct buffer *out)
{
    struct buffer asked;
    buffer_init(&asked, REQUESTED_TEXT_MAX);
    print_requested(requested, &asked);
    if (decision->change == IMPORT_KEEP) {
        explain_kept(requested, buffer_text(&asked), decision->policy.store, out);
    } else {
        buffer_print(out, "store: %s, %s\n", decision->policy.store,
                     decision->change == IMPORT_SET_BODY ? "as `stores` of the body"
                                                         : "by the header");
        if (decision->policy.replaced)
            explain_replaced(rule, "the import", buffer_text(&asked), out);
        else
            buffer_print(out, "the import asked for no store\n");
    }
    buffer_free(&asked);
}

static void explain_import_refused(const struct import_stores_requested *requested,
                                   const struct import_decision *decision, struct buffer *out)
{
    buffer_print(out, "refused (store_not_allowed): the import asked for %s; allowed: %s\n",
                 decision->refused, any_or(decision->policy.allowed));
    if (requested->all && !requested->glance_stores)
        buffer_print(out, "which stores Glance has is not known here: were all of them allowed, it "
                          "would pass\n");
}

static void explain_method(const struct policy *policy, const char *method, struct buffer *out)
{
    char *methods = strings_join(&policy->ingest.import_methods, ", ");
    buffer_print(out, "refused (denied_by_policy): doors has import_methods: [%s], not %s\n",
                 methods ? methods : "", method ? method : "one that is not named");
    free(methods);
}

void policy_explain_import(const struct policy *policy, const struct policy_facts *facts,
                           const struct import_stores_requested *requested,
                           const struct import_decision *decision, struct buffer *out)
{
    const struct policy_facts known = import_facts(facts);
    const struct rule *rule = policy_find_rule(policy, &known);
    explain_rule(policy, &known, rule, out);
    switch (decision->policy.verdict) {
    case POLICY_METHOD_DENIED:
        explain_method(policy, facts->import_method, out);
        break;
    case POLICY_DENY:
        buffer_print(out, "refused (denied_by_policy): %s\n", decision->policy.why);
        break;
    case POLICY_STORE_NOT_ALLOWED:
        explain_import_refused(requested, decision, out);
        break;
    case POLICY_TOO_LARGE:
        explain_too_large(&known, &decision->policy, out);
        break;
    default:
        explain_import_store(rule, requested, decision, out);
        explain_limits(&decision->policy, out);
    }
}

/* --- other ingest operations ----------------------------------------------------------- */

void policy_explain_ingest(const struct policy *policy, enum policy_ingest ingest,
                           const char *client, struct buffer *out)
{
    const char *name = ingest == POLICY_INGEST_LOCATIONS ? "locations" : "tasks";
    if (policy->ingest.open[ingest])
        buffer_print(out, "open: doors has %s: open\n", name);
    else if (policy_ingest_open(policy, ingest, client))
        buffer_print(out, "open: %s is in exempt of doors\n", client);
    else
        buffer_print(out,
                     "refused (denied_by_policy): doors has %s: closed, and %s is not in exempt\n",
                     name, client ? client : "the client");
}
