/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and applies `limits` of a rule or of the whole policy: how many uploads a project or a
 * client address may have at one time, and how fast a project may upload.
 *
 *     limits: { uploads: 4, rate: 200MiB, uploads_per_client: 2 }
 */
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/units.h"
#include "policy/policy_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPLOADS_MAX = 100000 };

/* With less, many uploads of one project would get less than a block within a stall_timeout. */
static const uint64_t RATE_MIN = 64 << 10;

static const char *const limit_keys[POLICY_LIMIT_COUNT] = {
    [POLICY_LIMIT_UPLOADS] = "uploads",
    [POLICY_LIMIT_UPLOADS_PER_CLIENT] = "uploads_per_client",
    [POLICY_LIMIT_RATE] = "rate",
};

/* --- read ------------------------------------------------------------------------------ */

static void read_count(struct document *document, const yaml_node_t *node, const char *what,
                       uint64_t *count)
{
    const char *text = document_text(document, node, what);
    if (!text)
        return;
    char *end;
    *count = strtoull(text, &end, 10);
    if (strspn(text, "0123456789") != strlen(text) || *count > UPLOADS_MAX)
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s '%.80s' is not a whole number from 0 (no limit) to %d", what, text,
                        UPLOADS_MAX);
}

static void read_rate(struct document *document, const yaml_node_t *node, uint64_t *rate)
{
    if (size_read(document, node, "rate", rate) && *rate > 0 && *rate < RATE_MIN)
        document_report(document, node,
                        "rate is in bytes per second, and at least 64KiB; 0 means no limit");
}

static void read_limit(struct document *document, size_t key, const yaml_node_t *node, void *target)
{
    struct policy_limits *limits = target;
    limits->set[key] = true;
    if (key == POLICY_LIMIT_RATE)
        read_rate(document, node, &limits->value[key]);
    else
        read_count(document, node, limit_keys[key], &limits->value[key]);
}

void limits_read(struct document *document, const yaml_node_t *node, struct policy_limits *limits)
{
    static const struct mapping mapping = {"limits", limit_keys, POLICY_LIMIT_COUNT, read_limit};
    document_walk(document, &mapping, node, limits);
}

/* --- apply ----------------------------------------------------------------------------- */

bool limits_any(const struct policy_limits *limits)
{
    bool any = false;
    for (size_t i = 0; i < POLICY_LIMIT_COUNT; i++)
        any = any || limits->set[i];
    return any;
}

static uint64_t value_of(const struct policy_limits *limits, enum policy_limit which)
{
    return limits->set[which] ? limits->value[which] : 0;
}

struct policy_share limits_share(const struct policy *policy, const struct rule *rule,
                                 enum policy_limit which)
{
    if (rule->limits.set[which])
        return (struct policy_share){rule->limits.value[which], rule->name};
    return (struct policy_share){value_of(&policy->limits, which), NULL};
}

uint64_t policy_limit_of(const struct policy *policy, const char *rule, enum policy_limit which)
{
    if (!rule)
        return value_of(&policy->limits, which);
    for (size_t i = 0; i < policy->count; i++)
        if (strcmp(policy->rules[i].name, rule) == 0)
            return value_of(&policy->rules[i].limits, which);
    return 0;
}

/* --- explain --------------------------------------------------------------------------- */

static void explain_share(enum policy_limit which, const struct policy_share *share,
                          struct buffer *out)
{
    static const char *const whose[POLICY_LIMIT_COUNT] = {
        [POLICY_LIMIT_UPLOADS] = "of the project at one time",
        [POLICY_LIMIT_UPLOADS_PER_CLIENT] = "of the client's address at one time",
        [POLICY_LIMIT_RATE] = "per second of the project",
    };
    char value[UNITS_TEXT_MAX];
    if (which == POLICY_LIMIT_RATE)
        units_print_size(share->limit, value);
    else
        snprintf(value, sizeof value, "%" PRIu64, share->limit);
    buffer_print(out, "limits: %s: %s %s, by %s\n", limit_keys[which], value, whose[which],
                 share->rule ? "this rule" : "all rules that set no such limit");
}

void limits_explain(const struct policy_share shares[POLICY_LIMIT_COUNT], struct buffer *out)
{
    for (enum policy_limit i = 0; i < POLICY_LIMIT_COUNT; i++)
        if (shares[i].limit)
            explain_share(i, &shares[i], out);
}
