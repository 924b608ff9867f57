/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an upload is judged before anybody is asked (proxy/request/admission.c). What a
 * policy could let pass is objected to; a head that is not sound is refused in any case. */
#include "exchange/upload/upload_steps.h"

#include "intake/admission.h"
#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"

/* A form that might go on as it is has no certain size: what is promised is its file's. */
static void take(struct exchange *x, const struct admission *admission)
{
    bool uncertain = admission->declared_form && x->audit.mode != AUDIT_OFF;
    x->empty = admission->empty;
    x->declared_form = admission->declared_form;
    x->head_fixes = admission->fixes;
    x->promised = admission->promised;
    x->promise = admission->promise;
    x->size_known = admission->size_known && !uncertain;
    x->size = admission->size;
    x->size_comes = admission->size_comes;
}

static enum step_result object(struct exchange *x, const struct admission_violation *violation)
{
    if (violation->reason == REFUSAL_BAD_REQUEST)
        return exchange_refuse_for(x, violation->reason, "%s", violation->detail);
    return report_violation_for(x, violation->reason, "%s", violation->detail);
}

/* There may be no room to spool. */
static enum step_result judge_spool(struct exchange *x)
{
    bool spooled = client_framing(x->client)->framing == FRAMING_CHUNKED && x->size_comes;
    if (!spooled || spools_used(x->parts->spools) < x->snapshot->settings->upload.spool_limit)
        return STEP_NEXT;
    return report_violation(x, REFUSAL_SPOOL_FULL);
}

static enum step_result read_promises(struct exchange *x)
{
    const char *fault = promises_read(&client_head(x->client)->headers, &x->promises);
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

enum step_result upload_admit(struct exchange *x)
{
    struct admission admission;
    if (x->parts->draining)
        return exchange_refuse(x, REFUSAL_DRAINING);
    audit_begin(x);
    admission_judge(x->snapshot->settings, &client_head(x->client)->headers,
                    client_framing(x->client), &admission);
    take(x, &admission);
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < admission.count && result == STEP_NEXT; i++)
        result = object(x, &admission.violations[i]);
    if (result == STEP_NEXT)
        result = judge_spool(x);
    return result == STEP_NEXT ? read_promises(x) : result;
}
