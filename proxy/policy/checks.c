/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and applies `checks` of a rule: levels of checks that replace those of [upload]. */
#include "intake/buffer.h"
#include "policy/policy_priv.h"

enum { KEY_EMPTY = POLICY_CHECK_COUNT, KEYS };

static const char *const check_keys[KEYS] = {
    [POLICY_CHECK_DAMAGED] = "damaged",
    [POLICY_CHECK_FORMAT] = "format",
    [POLICY_CHECK_UNSAFE_FORMAT] = "unsafe_format",
    [POLICY_CHECK_TRUNCATED] = "truncated",
    [POLICY_CHECK_COMPRESSED] = "compressed",
    [KEY_EMPTY] = "empty",
};

static const char *const level_words[] = {
    [CHECK_OFF] = "off",
    [CHECK_WARN] = "warn",
    [CHECK_REJECT] = "reject",
    [CHECK_DECOMPRESS] = "decompress",
};

/* --- read ------------------------------------------------------------------------------ */

static void read_empty(struct document *document, const yaml_node_t *node,
                       struct policy_checks *checks)
{
    enum { REJECT, ALLOW, WORDS };
    static const char *const words[] = {"reject", "allow"};
    checks->empty_allowed = word_read(document, node, "empty", words, WORDS) == ALLOW;
}

static void read_check(struct document *document, size_t key, const yaml_node_t *node, void *target)
{
    struct policy_checks *checks = target;
    if (key == KEY_EMPTY) {
        read_empty(document, node, checks);
        return;
    }
    size_t words = key == POLICY_CHECK_COMPRESSED ? CHECK_DECOMPRESS + 1 : CHECK_REJECT + 1;
    checks->level[key] =
        (enum check_level)word_read(document, node, check_keys[key], level_words, words);
    checks->set[key] = true;
}

void checks_read(struct document *document, const yaml_node_t *node, struct policy_checks *checks)
{
    static const struct mapping mapping = {"checks", check_keys, KEYS, read_check};
    document_walk(document, &mapping, node, checks);
}

/* --- apply ----------------------------------------------------------------------------- */

struct check_levels policy_check_levels(const struct policy_checks *checks,
                                        const struct check_levels *defaults)
{
    struct check_levels levels = *defaults;
    enum check_level *const places[POLICY_CHECK_COUNT] = {
        [POLICY_CHECK_DAMAGED] = &levels.damaged,
        [POLICY_CHECK_FORMAT] = &levels.format,
        [POLICY_CHECK_UNSAFE_FORMAT] = &levels.unsafe_format,
        [POLICY_CHECK_TRUNCATED] = &levels.truncated,
        [POLICY_CHECK_COMPRESSED] = &levels.compressed,
    };
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
        if (checks->set[i])
            *places[i] = checks->level[i];
    return levels;
}

bool policy_decompresses(const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_checks *checks = &policy->rules[i].checks;
        if (checks->set[POLICY_CHECK_COMPRESSED] &&
            checks->level[POLICY_CHECK_COMPRESSED] == CHECK_DECOMPRESS)
            return true;
    }
    return false;
}

bool checks_any(const struct policy_checks *checks)
{
    bool any = checks->empty_allowed;
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
        any = any || checks->set[i];
    return any;
}

bool checks_equal(const struct policy_checks *a, const struct policy_checks *b)
{
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
        if (a->set[i] != b->set[i] || (a->set[i] && a->level[i] != b->level[i]))
            return false;
    return true;
}

void checks_explain(const struct policy_checks *checks, struct buffer *out)
{
    const char *before = "checks of this rule: ";
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
        if (checks->set[i]) {
            buffer_print(out, "%s%s: %s", before, check_keys[i], level_words[checks->level[i]]);
            before = ", ";
        }
    if (checks->empty_allowed)
        buffer_print(out, "%sempty: allow", before);
    if (checks_any(checks))
        buffer_print(out, "\n");
}
