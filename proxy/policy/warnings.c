/* SPDX-License-Identifier: Apache-2.0 */
/* Warns about policies that are valid but probably wrong: a misspelt format, a rule that never
 * applies. */
#include "intake/diagnostics.h"
#include "intake/suggest.h"
#include "policy/policy_priv.h"

#include <ctype.h>
#include <string.h>

struct warner {
    const struct policy *policy;
    const char *path;
    struct diagnostics *warnings;
};

/* Glance's configuration can add to these lists, so other words only cause a warning. */
static const char *const disk_formats[] = {"ami", "ari", "aki",   "vhd", "vhdx", "vmdk",
                                           "raw", "vdi", "qcow2", "iso", "ploop"};
static const char *const container_formats[] = {"ami", "ari", "aki",    "bare",
                                                "ovf", "ova", "docker", "compressed"};
static const char *const import_methods[] = {"glance-direct", "web-download", "glance-download",
                                             "copy-image"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_known(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static void check_words(const struct warner *warner, const struct rule *rule,
                        enum condition condition, const char *const *words, size_t count)
{
    const struct strings *values = &rule->values[condition];
    for (size_t i = 0; i < values->count; i++) {
        const char *word = values->items[i];
        const char *meant = suggest_word(word, words, count);
        if (!is_known(word, words, count))
            diagnostics_add(warner->warnings, warner->path, rule->line,
                            "warning: %s: %s '%.80s' is none that Glance has by itself%s%s%s",
                            rule->name, condition_table[condition].name, word,
                            meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
    }
}

/* 32 hexadecimal digits, with or without the dashes of a UUID. */
static bool is_id(const char *text)
{
    size_t digits = 0;
    for (; *text; text++)
        if (isxdigit((unsigned char)*text))
            digits++;
        else if (*text != '-')
            return false;
    return digits == 32;
}

static void check_projects(const struct warner *warner, const struct rule *rule)
{
    const struct strings *values = &rule->values[CONDITION_PROJECT];
    for (size_t i = 0; i < values->count; i++)
        if (!is_id(values->items[i]))
            diagnostics_add(
                warner->warnings, warner->path, rule->line,
                "warning: %s: project '%.80s' is not an id: an image's owner is told by "
                "its id, never by its name",
                rule->name, values->items[i]);
}

static bool always_holds(const struct rule *rule)
{
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        if (rule->set[i])
            return false;
    return true;
}

/* `default` is not reported, because every policy must have it. */
static void check_order(const struct warner *warner)
{
    const struct rule *all = NULL;
    for (size_t i = 0; i + 1 < warner->policy->count; i++) {
        const struct rule *rule = &warner->policy->rules[i];
        if (all)
            diagnostics_add(warner->warnings, warner->path, rule->line,
                            "warning: %s never applies: %s on line %d has no condition", rule->name,
                            all->name, all->line);
        else if (always_holds(rule))
            all = rule;
    }
}

/* `doors` are not stored with a line number. */
static void check_methods(const struct warner *warner)
{
    const struct strings *methods = &warner->policy->ingest.import_methods;
    for (size_t i = 0; i < methods->count; i++) {
        const char *meant = suggest_word(methods->items[i], import_methods, COUNT(import_methods));
        if (!is_known(methods->items[i], import_methods, COUNT(import_methods)))
            diagnostics_add(warner->warnings, warner->path, 0,
                            "warning: doors: import method '%.80s' is none that Glance has by "
                            "itself%s%s%s",
                            methods->items[i], meant ? ": did you mean " : "", meant ? meant : "",
                            meant ? "?" : "");
    }
}

void policy_warn(const struct policy *policy, const char *path, struct diagnostics *warnings)
{
    const struct warner warner = {policy, path, warnings};
    for (const struct rule *rule = policy->rules; rule < policy->rules + policy->count; rule++) {
        check_words(&warner, rule, CONDITION_DISK_FORMAT, disk_formats, COUNT(disk_formats));
        check_words(&warner, rule, CONDITION_CONTAINER_FORMAT, container_formats,
                    COUNT(container_formats));
        check_words(&warner, rule, CONDITION_IMPORT_METHOD, import_methods, COUNT(import_methods));
        check_projects(&warner, rule);
    }
    check_order(&warner);
    check_methods(&warner);
}
