/* SPDX-License-Identifier: Apache-2.0 */
/* `glance-intake explain`: prints how a request would be treated, with the same functions as the
 * running proxy. It leaves out what only Glance knows (the image's status, its stores, quotas), and
 * the checks of the data. */
#include "cli/cli.h"
#include "intake/admission.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/promises.h"
#include "intake/request.h"
#include "intake/units.h"
#include "intake/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 16 << 20 };

struct explanation {
    const struct settings *settings;
    const struct policy *policy;
    const struct question *question;
    struct request_head head; /* its headers are owned */
    struct framing_facts framing;
    char *requested; /* owned */
    struct policy_facts facts;
    struct buffer out;
};

/* --- the head ---------------------------------------------------------------------------- */

/* False: no memory. */
static bool read_head(struct explanation *explanation)
{
    const struct question *question = explanation->question;
    const struct headers *headers = &explanation->head.headers;
    bool staged = question->kind == RECORD_STAGE; /* Glance ignores the store here */
    if (!question_head(question, &explanation->head) ||
        (!staged && !requested_store(headers, &explanation->requested)))
        return false;
    explanation->facts = question->facts;
    explanation->facts.requested_store = explanation->requested;
    if (!explanation->facts.user_agent)
        explanation->facts.user_agent = headers_get(headers, "User-Agent");
    return true;
}

/* --- output for all kinds of requests ------------------------------------------------------- */

/* Prints what happened, without the advice after it, which is meant for the client. */
static void print_refused(struct explanation *explanation, enum refusal reason, const char *detail)
{
    const struct refusal_row *row = refusal_row(reason);
    const char *end = strstr(row->message, "{detail}");
    size_t length = end ? (size_t)(end - row->message) : strlen(row->message);
    buffer_print(&explanation->out, "refused (%s): %.*s%s%s\n", row->name, (int)length,
                 row->message, *detail ? ": " : "", detail);
}

static void print_changes(struct explanation *explanation, unsigned fixes)
{
    char text[64];
    record_fixes_text(fixes, text);
    if (fixes)
        buffer_print(&explanation->out, "would be changed: %s\n", text);
}

static void print_audit(struct explanation *explanation, bool audit)
{
    if (audit)
        buffer_print(&explanation->out,
                     "mode: audit: nothing of this is changed or refused, only logged\n");
}

/* --- uploads ----------------------------------------------------------------------------- */

/* If no length was given, assumes a valid one: the promised size, or any. */
static void check_head(struct explanation *explanation, struct admission *admission)
{
    const struct headers *headers = &explanation->head.headers;
    bool length_given = explanation->framing.framing != FRAMING_NONE;
    if (!length_given)
        explanation->framing = (struct framing_facts){.framing = FRAMING_LENGTH, .length = 1};
    admission_judge(explanation->settings, headers, &explanation->framing, admission);
    if (!length_given && admission->promised) {
        explanation->framing.length = admission->promise;
        admission_judge(explanation->settings, headers, &explanation->framing, admission);
    } else if (!length_given) {
        admission->size_known = false;
    }
}

static void print_violations(struct explanation *explanation, const struct admission *admission,
                             const struct policy_decision *decision)
{
    struct promises promises = {0};
    const char *fault = promises_read(&explanation->head.headers, &promises);
    for (size_t i = 0; i < admission->count; i++)
        print_refused(explanation, admission->violations[i].reason,
                      admission->violations[i].detail);
    if (admission->empty && !decision->checks.empty_allowed)
        print_refused(explanation, REFUSAL_EMPTY_BODY,
                      "an image with the property block_device_mapping or bdm_v2 may be empty");
    if (fault)
        print_refused(explanation, REFUSAL_BAD_REQUEST, fault);
}

/* As the policy decides without a size. */
static struct policy_length unknown_length(const struct explanation *explanation)
{
    struct policy_facts facts = explanation->facts;
    struct policy_decision decision;
    facts.size_known = false;
    policy_decide(explanation->policy, &facts, &decision);
    bool staged = explanation->question->kind == RECORD_STAGE;
    return policy_unknown_length(explanation->policy, staged ? NULL : decision.store,
                                 explanation->settings->upload.unknown_length);
}

/* If an upload without a length is not spooled, the policy does not get its size. */
static void set_size(struct policy_facts *facts, const struct admission *admission, bool spooled)
{
    bool comes = admission->size_comes || (admission->no_length && spooled);
    if (admission->size_known)
        facts->size = admission->size;
    facts->size_known = admission->size_known || (facts->size_known && comes);
}

/* If the question is about an upload without a length, or could be. */
static void print_unknown_length(struct explanation *explanation, const struct admission *admission,
                                 const struct policy_length *length)
{
    static const char *const what[] = {[UNKNOWN_LENGTH_SPOOL] = "kept on disk until it is complete",
                                       [UNKNOWN_LENGTH_STREAM] = "sent on as it comes",
                                       [UNKNOWN_LENGTH_REJECT] = "refused (length_required)"};
    struct buffer *out = &explanation->out;
    if (admission->size_known || admission->size_comes)
        return;
    bool refused = admission->no_length && length->rule == UNKNOWN_LENGTH_REJECT;
    buffer_print(out, "%s%s", refused ? "" : "without a length: ", what[length->rule]);
    if (length->store)
        buffer_print(out, ", by unknown_length of the store %s\n", length->store);
    else
        buffer_print(out, ", by [upload] unknown_length\n");
}

/* The limit of all uploads applies before the policy. */
static void print_limit(struct explanation *explanation, uint64_t size)
{
    char text[UNITS_TEXT_MAX];
    char limit[UNITS_TEXT_MAX];
    uint64_t max = explanation->settings->upload.max_size;
    units_print_size(size, text);
    units_print_size(max, limit);
    if (size > max)
        buffer_print(&explanation->out,
                     "refused (too_large): %s is more than [upload] max_size %s\n", text, limit);
}

/* Glance inspects only `bare` containers. What Glance's answers have shown is not known here. */
static void print_glance_checks(struct explanation *explanation)
{
    const char *container = explanation->facts.container_format;
    if (explanation->settings->upload.glance_checks == GLANCE_CHECKS_ON &&
        explanation->question->kind == RECORD_FILE && (!container || !strcmp(container, "bare")))
        buffer_print(&explanation->out, "glance_checks = on: data that Glance would refuse after "
                                        "storing it is refused first\n");
}

static void explain_upload(struct explanation *explanation)
{
    struct admission admission;
    struct policy_decision decision;
    const struct policy_facts *facts = &explanation->facts;
    check_head(explanation, &admission);
    const struct policy_length length = unknown_length(explanation);
    bool spooled = length.rule == UNKNOWN_LENGTH_SPOOL;
    set_size(&explanation->facts, &admission, spooled);
    policy_decide(explanation->policy, facts, &decision);
    print_violations(explanation, &admission, &decision);
    print_limit(explanation, facts->size);
    if (explanation->question->kind == RECORD_STAGE)
        decision.store = NULL;
    policy_explain(explanation->policy, facts, &decision, &explanation->out);
    const char *requested = facts->requested_store;
    bool moved = decision.store && (!requested || strcmp(requested, decision.store) != 0);
    if (decision.verdict == POLICY_ACCEPT)
        print_unknown_length(explanation, &admission, &length);
    print_changes(explanation, admission.fixes | (moved ? FIX_STORE : 0) |
                                   (admission.no_length && spooled ? FIX_LENGTH : 0));
    if (decision.verdict == POLICY_ACCEPT)
        print_glance_checks(explanation);
    print_audit(explanation, decision.audit);
}

/* --- ingest ------------------------------------------------------------------------------ */

static void explain_import(struct explanation *explanation)
{
    const struct question *question = explanation->question;
    const struct import_stores_requested requested = {
        .header = explanation->requested,
        .listed = question->store_count > 0,
        .stores = question->stores,
        .store_count = question->store_count,
        .all = question->all_stores,
    };
    struct import_decision decision;
    policy_decide_import(explanation->policy, &explanation->facts, &requested, &decision);
    policy_explain_import(explanation->policy, &explanation->facts, &requested, &decision,
                          &explanation->out);
    print_changes(explanation, decision.change == IMPORT_KEEP ? 0 : FIX_STORE);
    print_audit(explanation, decision.policy.audit);
}

static void explain_ingest(struct explanation *explanation, enum policy_ingest ingest)
{
    policy_explain_ingest(explanation->policy, ingest, explanation->facts.client,
                          &explanation->out);
    print_audit(explanation, policy_audits(explanation->policy) == POLICY_AUDITS_ALL);
}

static void explain_by_kind(struct explanation *explanation)
{
    switch (explanation->question->kind) {
    case RECORD_IMPORT:
        explain_import(explanation);
        break;
    case RECORD_LOCATIONS:
        explain_ingest(explanation, POLICY_INGEST_LOCATIONS);
        break;
    case RECORD_TASK:
        explain_ingest(explanation, POLICY_INGEST_TASKS);
        break;
    default:
        explain_upload(explanation);
    }
}

/* --- the command ------------------------------------------------------------------------- */

static bool explain(struct explanation *explanation)
{
    if (!read_head(explanation))
        return false;
    const char *fault = head_fault(&explanation->head, &explanation->framing);
    if (fault)
        print_refused(explanation, REFUSAL_BAD_REQUEST, fault);
    else
        explain_by_kind(explanation);
    return true;
}

static bool print_explanation(const struct question *question, const struct settings *settings,
                              const struct policy *policy, FILE *out)
{
    struct explanation explanation = {.settings = settings, .policy = policy, .question = question};
    buffer_init(&explanation.out, OUTPUT_MAX);
    bool good = explain(&explanation);
    utf8_show(buffer_text(&explanation.out), "\n", out);
    buffer_free(&explanation.out);
    headers_free(&explanation.head.headers);
    free(explanation.requested);
    return good;
}

int command_explain(const struct options *options, FILE *out, FILE *errors)
{
    struct diagnostics diagnostics = {0};
    struct settings *settings = settings_load(&options->sources, &diagnostics);
    struct policy *policy = settings ? policy_load(settings->policy.file, &diagnostics) : NULL;
    if (policy && !print_explanation(&options->question, settings, policy, out))
        diagnostics_add(&diagnostics, "glance-intake", 0, "no memory");
    policy_free(policy);
    settings_free(settings);
    return command_report(&diagnostics, errors);
}
