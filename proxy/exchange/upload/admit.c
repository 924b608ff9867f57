/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the head of an upload before anybody is asked (proxy/request/admission.c). A violation
 * that a policy can allow is reported; a malformed head is refused in any case. */
#include "exchange/upload/upload_steps.h"

#include "intake/admission.h"
#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

/* In audit mode a form may go on as it is, and then the promised size of its file is not the size
 * that Glance gets. */
static void take(struct upload_flow *upload, const struct admission *admission)
{
    bool uncertain = admission->declared_form && upload->x.audit.mode != AUDIT_OFF;
    upload->head.empty = admission->empty;
    upload->head.no_length = admission->no_length;
    upload->head.declared_form = admission->declared_form;
    upload->head.fixes = admission->fixes;
    upload->head.promised = admission->promised;
    upload->head.promise = admission->promise;
    upload->size.known = admission->size_known && !uncertain;
    upload->size.bytes = admission->size;
    upload->size.comes_later = admission->size_comes;
    upload->sent_length = client_framing(upload->x.client)->length;
}

static enum step_result report(struct exchange *x, const struct admission_violation *violation)
{
    if (violation->reason == REFUSAL_BAD_REQUEST)
        return exchange_refuse_for(x, violation->reason, "%s", violation->detail);
    return report_violation_for(x, violation->reason, "%s", violation->detail);
}

static enum step_result read_promises(struct exchange *x, struct promises *promises)
{
    const char *fault = promises_read(&client_head(x->client)->headers, promises);
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

enum step_result upload_admit(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    struct admission admission;
    if (x->parts->drain == DRAIN_STOPPING)
        return exchange_refuse(x, REFUSAL_DRAINING);
    audit_begin(x);
    admission_judge(x->snapshot->settings, &client_head(x->client)->headers,
                    client_framing(x->client), &admission);
    take(upload, &admission);
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < admission.count && result == STEP_NEXT; i++)
        result = report(x, &admission.violations[i]);
    return result == STEP_NEXT ? read_promises(x, &upload->head.promises) : result;
}
