/* SPDX-License-Identifier: Apache-2.0 */
/* `glance-intake explain`: what would become of a request, told by the functions that the running
 * proxy asks. What only Glance knows (the image's status, its stores, quotas) and what is in the
 * bytes is left out. */
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

struct hearing {
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
static bool learn_from_head(struct hearing *hearing)
{
    const struct question *question = hearing->question;
    const struct headers *headers = &hearing->head.headers;
    bool staged = question->ingest == RECORD_STAGE; /* where Glance looks at no store */
    if (!question_head(question, &hearing->head) ||
        (!staged && !requested_store(headers, &hearing->requested)))
        return false;
    hearing->facts = question->facts;
    hearing->facts.asked_store = hearing->requested;
    if (!hearing->facts.user_agent)
        hearing->facts.user_agent = headers_get(headers, "User-Agent");
    return true;
}

/* --- what is told of every door ------------------------------------------------------------- */

/* What happened, without the advice behind it, which is the client's. */
static void tell_refused(struct hearing *hearing, enum refusal reason, const char *detail)
{
    const struct refusal_row *row = refusal_row(reason);
    const char *end = strstr(row->message, "{detail}");
    size_t length = end ? (size_t)(end - row->message) : strlen(row->message);
    buffer_print(&hearing->out, "refused (%s): %.*s%s%s\n", row->name, (int)length, row->message,
                 *detail ? ": " : "", detail);
}

static void tell_changes(struct hearing *hearing, unsigned fixes)
{
    char text[64];
    record_fixes_text(fixes, text);
    if (fixes)
        buffer_print(&hearing->out, "would be changed: %s\n", text);
}

static void tell_audit(struct hearing *hearing, bool audit)
{
    if (audit)
        buffer_print(&hearing->out,
                     "mode: audit: nothing of this is changed or refused, only logged\n");
}

/* --- uploads -----------------------------------------------------------------------------------
 */

/* Where nothing was said of the length, it is one that nothing speaks against: what was promised,
 * or any. */
static void judge_head(struct hearing *hearing, struct admission *admission)
{
    const struct headers *headers = &hearing->head.headers;
    bool said = hearing->framing.framing != FRAMING_NONE;
    if (!said)
        hearing->framing = (struct framing_facts){.framing = FRAMING_LENGTH, .length = 1};
    admission_judge(hearing->settings, headers, &hearing->framing, admission);
    if (!said && admission->promised) {
        hearing->framing.length = admission->promise;
        admission_judge(hearing->settings, headers, &hearing->framing, admission);
    } else if (!said) {
        admission->size_known = false;
    }
}

static void tell_violations(struct hearing *hearing, const struct admission *admission,
                            const struct policy_decision *decision)
{
    struct promises promises = {0};
    const char *fault = promises_read(&hearing->head.headers, &promises);
    for (size_t i = 0; i < admission->count; i++)
        tell_refused(hearing, admission->violations[i].reason, admission->violations[i].detail);
    if (admission->empty && !decision->checks.empty_allowed)
        tell_refused(hearing, REFUSAL_EMPTY_BODY,
                     "an image with the property block_device_mapping or bdm_v2 may be empty");
    if (fault)
        tell_refused(hearing, REFUSAL_BAD_REQUEST, fault);
}

/* The policy sees a size that comes late only if it comes at all (`unknown_length = stream`). */
static void learn_size(struct policy_facts *facts, const struct admission *admission)
{
    if (admission->size_known)
        facts->size = admission->size;
    facts->size_known = admission->size_known || (facts->size_known && admission->size_comes);
}

/* The limit for all uploads stands before the policy. */
static void tell_limit(struct hearing *hearing, uint64_t size)
{
    char text[UNITS_TEXT_MAX];
    char limit[UNITS_TEXT_MAX];
    uint64_t max = hearing->settings->upload.max_size;
    units_print_size(size, text);
    units_print_size(max, limit);
    if (size > max)
        buffer_print(&hearing->out, "refused (too_large): %s is more than [upload] max_size %s\n",
                     text, limit);
}

/* Only what is `bare` is inspected. What is learned from Glance is not known here. */
static void tell_glance_checks(struct hearing *hearing)
{
    const char *container = hearing->facts.container_format;
    if (hearing->settings->upload.glance_checks == GLANCE_CHECKS_ON &&
        hearing->question->ingest == RECORD_FILE && (!container || !strcmp(container, "bare")))
        buffer_print(&hearing->out, "glance_checks = on: data that Glance would refuse after "
                                    "storing it is refused first\n");
}

static void explain_upload(struct hearing *hearing)
{
    struct admission admission;
    struct policy_decision decision;
    const struct policy_facts *facts = &hearing->facts;
    judge_head(hearing, &admission);
    learn_size(&hearing->facts, &admission);
    policy_decide(hearing->policy, facts, &decision);
    tell_violations(hearing, &admission, &decision);
    tell_limit(hearing, facts->size);
    if (hearing->question->ingest == RECORD_STAGE)
        decision.store = NULL;
    policy_explain(hearing->policy, facts, &decision, &hearing->out);
    const char *requested = facts->asked_store;
    bool moved = decision.store && (!requested || strcmp(requested, decision.store) != 0);
    tell_changes(hearing, admission.fixes | (moved ? FIX_STORE : 0));
    if (decision.verdict == POLICY_ACCEPT)
        tell_glance_checks(hearing);
    tell_audit(hearing, decision.audit);
}

/* --- the other doors ----------------------------------------------------------------------------
 */

static void explain_import(struct hearing *hearing)
{
    const struct question *question = hearing->question;
    const struct import_stores_requested requested = {
        .header = hearing->requested,
        .listed = question->store_count > 0,
        .stores = question->stores,
        .store_count = question->store_count,
        .all = question->all_stores,
    };
    struct import_decision decision;
    policy_decide_import(hearing->policy, &hearing->facts, &requested, &decision);
    policy_explain_import(hearing->policy, &hearing->facts, &requested, &decision, &hearing->out);
    tell_changes(hearing, decision.change == IMPORT_KEEP ? 0 : FIX_STORE);
    tell_audit(hearing, decision.policy.audit);
}

static void explain_door(struct hearing *hearing, enum policy_ingest ingest)
{
    policy_explain_ingest(hearing->policy, ingest, hearing->facts.client, &hearing->out);
    tell_audit(hearing, policy_watches(hearing->policy) == POLICY_WATCHES_ALL);
}

static void explain_by_door(struct hearing *hearing)
{
    switch (hearing->question->ingest) {
    case RECORD_IMPORT:
        explain_import(hearing);
        break;
    case RECORD_LOCATIONS:
        explain_door(hearing, POLICY_INGEST_LOCATIONS);
        break;
    case RECORD_TASK:
        explain_door(hearing, POLICY_INGEST_TASKS);
        break;
    default:
        explain_upload(hearing);
    }
}

/* --- all of it ----------------------------------------------------------------------------------
 */

static bool explain(struct hearing *hearing)
{
    if (!learn_from_head(hearing))
        return false;
    const char *fault = head_fault(&hearing->head, &hearing->framing);
    if (fault)
        tell_refused(hearing, REFUSAL_BAD_REQUEST, fault);
    else
        explain_by_door(hearing);
    return true;
}

static bool print_explanation(const struct question *question, const struct settings *settings,
                              const struct policy *policy, FILE *out)
{
    struct hearing hearing = {.settings = settings, .policy = policy, .question = question};
    buffer_init(&hearing.out, OUTPUT_MAX);
    bool good = explain(&hearing);
    utf8_show(buffer_text(&hearing.out), "\n", out);
    buffer_free(&hearing.out);
    headers_free(&hearing.head.headers);
    free(hearing.requested);
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
