/* SPDX-License-Identifier: Apache-2.0 */
/* The request record of an exchange that uploads, or brings data into a store in another way. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/record.h"

bool exchange_begin_record(struct exchange *x, enum record_kind kind)
{
    const struct request_facts *request = &x->request;
    const char *image = request->route.image_id[0] ? request->route.image_id : NULL;
    const char *client = request->origin.address[0] ? request->origin.address : NULL;
    x->record = record_new(request->id, client, image);
    if (!x->record)
        return false;
    const struct framing_facts *framing = client_framing(x->client);
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
    client_drop(x->client);
    return STEP_END;
}

static enum record_verdict verdict_of(const struct exchange *x)
{
    switch (x->refused.reason) {
    case REFUSAL_NONE:
        return x->record->glance_status ? VERDICT_REJECTED : VERDICT_ABORTED;
    case REFUSAL_GLANCE_FAILED:
    case REFUSAL_GLANCE_TIMEOUT:
    case REFUSAL_GLANCE_UNREACHABLE:
    case REFUSAL_OUT_OF_MEMORY:
    case REFUSAL_VERIFY_FAILED:
        return VERDICT_FAILED;
    default:
        return VERDICT_REFUSED;
    }
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
