/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "intake/buffer.h"
#include "intake/problems.h"
#include "intake/snapshot.h"
#include "intake/units.h"

#include <stdlib.h>

enum { OUTPUT_MAX = 16 << 20 };

/* Tells them and lets them go; the exit status they mean. */
static int report(struct problems *problems, FILE *errors)
{
    int status = problems->count > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    for (size_t i = 0; i < problems->count; i++)
        fprintf(errors, "%s\n", problems->lines[i]);
    problems_free(problems);
    return status;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

int command_check(const struct options *options, FILE *out, FILE *errors)
{
    struct problems problems = {0};
    struct snapshot *snapshot = snapshot_load(&options->sources, &problems);
    if (snapshot) {
        const struct settings *settings = snapshot->settings;
        size_t rules = policy_rule_count(snapshot->policy);
        fprintf(
            out,
            "configuration is good: %zu rule%s and a default, %zu listening address%s (%s), %zu "
            "Glance endpoint%s\n",
            rules, plural(rules), settings->listen.bind_count,
            settings->listen.bind_count == 1 ? "" : "es", snapshot->tls ? "TLS" : "plain HTTP",
            settings->glance.endpoint_count, plural(settings->glance.endpoint_count));
    }
    snapshot_release(snapshot);
    return report(&problems, errors);
}

int command_print_config(const struct options *options, FILE *out, FILE *errors)
{
    struct problems problems = {0};
    struct settings *settings = settings_load(&options->sources, &problems);
    if (settings) {
        struct buffer text;
        buffer_init(&text, OUTPUT_MAX);
        settings_print(settings, &text);
        fputs(buffer_text(&text), out);
        buffer_free(&text);
    }
    settings_free(settings);
    return report(&problems, errors);
}

/* The limit for all uploads stands before the policy. */
static void explain_limit(const struct settings *settings, const struct policy_facts *facts,
                          FILE *out)
{
    char size[UNITS_TEXT_MAX];
    char limit[UNITS_TEXT_MAX];
    if (!facts->size_known || facts->size <= settings->upload.max_size)
        return;
    units_print_size(facts->size, size);
    units_print_size(settings->upload.max_size, limit);
    fprintf(out,
            "refused (too_large), whatever the policy says: %s is more than [upload] max_size %s\n",
            size, limit);
}

int command_explain(const struct options *options, FILE *out, FILE *errors)
{
    struct problems problems = {0};
    struct settings *settings = settings_load(&options->sources, &problems);
    struct policy *policy = settings ? policy_load(settings->policy.file, &problems) : NULL;
    if (policy) {
        struct buffer text;
        buffer_init(&text, OUTPUT_MAX);
        explain_limit(settings, &options->facts, out);
        policy_explain(policy, &options->facts, &text);
        fputs(buffer_text(&text), out);
        buffer_free(&text);
    }
    policy_free(policy);
    settings_free(settings);
    return report(&problems, errors);
}
