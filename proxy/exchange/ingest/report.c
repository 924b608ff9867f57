/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include "intake/record.h"
#include "intake/snapshot.h"

/* Doors are no rule's, nor is what cannot be read: only a policy that watches everything lets these
 * pass. There is a record from here on, since there is something to tell. */
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail)
{
    enum record_kind kind = x->request.route.kind == ROUTE_TASKS ? RECORD_TASK : RECORD_LOCATIONS;
    if (!x->record && !exchange_begin_record(x, kind))
        return exchange_no_memory(x);
    x->audit.mode = policy_audits(x->snapshot->policy) == POLICY_AUDITS_ALL ? AUDIT_ON : AUDIT_OFF;
    return report_violation_for(x, reason, "%s", detail);
}
