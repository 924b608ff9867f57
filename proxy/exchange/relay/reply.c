/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the client's answer of Glance's answer that was collected: its status, fields and body. */
#include "exchange/relay/relay_steps.h"

#include "intake/record.h"
#include "intake/reply.h"

/* A request with a record gets X-Intake fields, as an upload does. */
bool relay_reply(struct exchange *x, struct reply *reply)
{
    if (!glance_reply(x, reply))
        return false;
    if (!x->record)
        return true;
    x->record->glance_status = reply->status;
    x->record->verdict = reply->status / 100 == 2 ? VERDICT_ACCEPTED : VERDICT_REJECTED;
    if (headers_of_answer(x, &reply->headers))
        return true;
    reply_free(reply);
    return false;
}
