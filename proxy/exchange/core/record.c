/* SPDX-License-Identifier: Apache-2.0 */
/* The record of an exchange that is an upload, or brings data into a store in another way. What the
 * exchange has reserved is given back when its record is closed. */
#include "exchange/core/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/record.h"
#include "intake/upload_locks.h"

bool exchange_begin_record(struct exchange *x, enum record_kind kind)
{
    const char *image = x->request.route.image_id[0] ? x->request.route.image_id : NULL;
    const char *client = x->request.origin.address[0] ? x->request.origin.address : NULL;
    x->record = record_new(x->request.id, client, image);
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

static void let_go(struct exchange *x)
{
    upload_lock_release(x->upload_lock);
    x->upload_lock = NULL;
    capacity_release(&x->room);
    quota_release(&x->reservation, x->body && body_finished(x->body));
}

/* However it ended: one line in the log, the metrics, and the list of the last hundred. */
void exchange_close_record(struct exchange *x)
{
    if (!x->record)
        return;
    let_go(x);
    x->record->reason = x->refused.reason;
    if (x->record->verdict == VERDICT_RUNNING)
        x->record->verdict = verdict_of(x);
    records_leave(x->parts->records, x->record);
    x->record = NULL;
}
