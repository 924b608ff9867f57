/* SPDX-License-Identifier: Apache-2.0 */
/* Reports a violation of the policy that no rule decides on. */
#include "exchange/ingest/ingest_steps.h"

#include "intake/record.h"
#include "intake/snapshot.h"

/* Violations of imports, updates, locations and tasks that no rule decides on. Only a policy whose
 * rules are all in audit mode lets them pass. The record begins here, because there is something to
 * report. */
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail)
{
    enum record_kind kind = x->request.route.kind == ROUTE_TASKS ? RECORD_TASK : RECORD_LOCATIONS;
    if (!x->record && !exchange_begin_record(x, kind))
        return exchange_no_memory(x);
    x->audit.mode = policy_audits(x->snapshot->policy) == POLICY_AUDITS_ALL ? AUDIT_ON : AUDIT_OFF;
    return report_violation_for(x, reason, "%s", detail);
}
