/* SPDX-License-Identifier: Apache-2.0 */
/* The commands --check and --print-config. */
#include "cli/cli.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/snapshot.h"
#include "intake/tls_identity.h"
#include "intake/utf8.h"

#include <stdlib.h>

enum { OUTPUT_MAX = 16 << 20 };

int command_report(struct diagnostics *diagnostics, FILE *errors)
{
    int status = diagnostics->count > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    for (size_t i = 0; i < diagnostics->count; i++) {
        utf8_show(diagnostics->lines[i], "", errors);
        fputc('\n', errors);
    }
    diagnostics_free(diagnostics);
    return status;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Names the rules in audit mode, which an operator may think are enforced. */
static const char *audited_text(const struct policy *policy)
{
    static const char *const words[] = {[POLICY_AUDITS_NONE] = "",
                                        [POLICY_AUDITS_SOME] = " (some only watch: mode audit)",
                                        [POLICY_AUDITS_ALL] = " (all only watch: mode audit)"};
    return words[policy_audits(policy)];
}

static void print_summary(const struct snapshot *snapshot, FILE *out)
{
    const struct settings *settings = snapshot->settings;
    size_t rules = policy_rule_count(snapshot->policy);
    fprintf(out,
            "configuration is good: %zu rule%s and a default%s, %zu listening address%s (%s), %zu "
            "Glance endpoint%s\n",
            rules, plural(rules), audited_text(snapshot->policy), settings->listen.bind_count,
            settings->listen.bind_count == 1 ? "" : "es", snapshot->tls ? "TLS" : "plain HTTP",
            settings->glance.endpoint_count, plural(settings->glance.endpoint_count));
}

int command_check(const struct options *options, FILE *out, FILE *errors)
{
    struct diagnostics diagnostics = {0};
    struct diagnostics warnings = {0};
    struct snapshot *snapshot = snapshot_load(&options->sources, &diagnostics);
    if (snapshot) {
        const struct settings *settings = snapshot->settings;
        tls_identity_check_time(snapshot->tls, settings->listen.tls_cert_file, &diagnostics);
        settings_warn(settings, &warnings);
        policy_warn(snapshot->policy, settings->policy.file, &warnings);
    }
    if (snapshot && diagnostics.count == 0)
        print_summary(snapshot, out);
    snapshot_release(snapshot);
    int warning_status = command_report(&warnings, errors);
    int error_status = command_report(&diagnostics, errors);
    return options->strict && warning_status ? warning_status : error_status;
}

int command_print_config(const struct options *options, FILE *out, FILE *errors)
{
    struct diagnostics diagnostics = {0};
    struct settings *settings = settings_load(&options->sources, &diagnostics);
    if (settings) {
        struct buffer text;
        buffer_init(&text, OUTPUT_MAX);
        settings_print(settings, &text);
        utf8_show(buffer_text(&text), "\n", out);
        buffer_free(&text);
    }
    settings_free(settings);
    return command_report(&diagnostics, errors);
}
