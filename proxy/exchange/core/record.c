/* SPDX-License-Identifier: Apache-2.0 */
/* The request record of an exchange that uploads, or brings data into a store in another way. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <string.h>

bool exchange_begin_record(struct exchange *x, enum record_kind kind)
{
    const struct request_facts *request = &x->request;
    const char *image = request->route.image_id[0] ? request->route.image_id : NULL;
    const char *client = request->origin.address[0] ? request->origin.address : NULL;
    x->record = record_new(request->id, client, image);
    if (!x->record)
        return false;
    const struct framing_facts *framing = client_framing(x->client);
    x->recorded = true;
    memcpy(x->record->trace_id, request->trace_id, sizeof request->trace_id);
    x->record->unlogged = x->snapshot->settings->access_log == ACCESS_LOG_OFF;
    x->record->kind = kind;
    x->record->size_known = framing->framing != FRAMING_CHUNKED;
    x->record->size = framing->length;
    return true;
}

void exchange_mark_aborted(struct exchange *x)
{
    if (x->record)
        x->record->verdict = VERDICT_ABORTED;
}

enum step_result exchange_drop_client(struct exchange *x)
{
    exchange_mark_aborted(x);
    if (x->client)
        client_drop(x->client);
    return STEP_END;
}

enum record_verdict exchange_verdict_of_refusal(enum refusal reason)
{
    switch (reason) {
    case REFUSAL_GLANCE_FAILED:
    case REFUSAL_GLANCE_TIMEOUT:
    case REFUSAL_GLANCE_UNREACHABLE:
    case REFUSAL_KEYSTONE_UNREACHABLE:
    case REFUSAL_OUT_OF_MEMORY:
    case REFUSAL_VERIFY_FAILED:
        return VERDICT_FAILED;
    default:
        return VERDICT_REFUSED;
    }
}

static enum record_verdict verdict_of(const struct exchange *x)
{
    if (x->refused.reason)
        return exchange_verdict_of_refusal(x->refused.reason);
    return x->record->glance_status ? VERDICT_REJECTED : VERDICT_ABORTED;
}

/* The registry writes the line of the log and the metrics, and keeps the last hundred. */
void exchange_close_record(struct exchange *x)
{
    if (!x->record)
        return;
    if (x->kind->release)
        x->kind->release(x);
    x->record->reason = x->refused.reason;
    if (x->record->verdict == VERDICT_RUNNING)
        x->record->verdict = verdict_of(x);
    records_leave(x->parts->records, x->record);
    x->record = NULL;
}
