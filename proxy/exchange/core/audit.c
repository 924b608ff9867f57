/* SPDX-License-Identifier: Apache-2.0 */
/* Reports violations. In audit mode (`mode: audit`) they are only noted, and the request goes on as
 * it came. Which rule applies, and whether it is in audit mode, is known only after Glance was
 * asked for the image. Violations found before that are kept until then.
 *
 * If the size chooses the rule and comes late, audit mode may begin late. What was done to the body
 * before stays, and nothing is refused from there on. */
#include "exchange/core/exchange_priv.h"

#include "intake/metrics.h"
#include "intake/policy.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <stdarg.h>
#include <stdio.h>

void audit_begin(struct exchange *x)
{
    static const enum audit begins[] = {[POLICY_AUDITS_NONE] = AUDIT_OFF,
                                        [POLICY_AUDITS_SOME] = AUDIT_UNDECIDED,
                                        [POLICY_AUDITS_ALL] = AUDIT_ON};
    x->audit.mode = begins[policy_audits(x->snapshot->policy)];
}

static void note(struct exchange *x, enum refusal refusal, const char *detail)
{
    if (x->record->audit_reasons & refusal_bit(refusal))
        return;
    x->record->audit_reasons |= refusal_bit(refusal);
    request_say(&x->request, LOG_LEVEL_WARNING, "would be refused: %s%s%s",
                refusal_row(refusal)->name, *detail ? ": " : "", detail);
}

static enum step_result report(struct exchange *x, enum refusal refusal, const char *detail)
{
    if (x->audit.mode == AUDIT_OFF)
        return *detail ? exchange_refuse_for(x, refusal, "%s", detail)
                       : exchange_refuse(x, refusal);
    if (x->audit.mode == AUDIT_ON) {
        note(x, refusal, detail);
    } else if (x->audit.pending_count < PENDING_MAX) {
        struct pending_violation *pending = &x->audit.pending[x->audit.pending_count++];
        pending->reason = refusal;
        snprintf(pending->detail, sizeof pending->detail, "%.*s", (int)sizeof pending->detail - 1,
                 detail);
    }
    return STEP_NEXT;
}

enum step_result report_violation(struct exchange *x, enum refusal refusal)
{
    return report(x, refusal, "");
}

enum step_result report_violation_for(struct exchange *x, enum refusal refusal, const char *format,
                                      ...)
{
    char detail[sizeof x->refused.detail];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return report(x, refusal, detail);
}

enum step_result audit_decided(struct exchange *x, bool audit)
{
    struct audit_state *state = &x->audit;
    if (state->mode != AUDIT_ON)
        state->mode = audit ? AUDIT_ON : AUDIT_OFF;
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < state->pending_count && result == STEP_NEXT; i++)
        result = report(x, state->pending[i].reason, state->pending[i].detail);
    state->pending_count = 0;
    return result;
}
