/* SPDX-License-Identifier: Apache-2.0 */
/* Glance's answer for the client of an upload, with what the proxy adds to it. */
#include "exchange/upload/upload_steps.h"

#include "intake/record.h"

enum step_result upload_pass_answer(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply) || (x->record && !headers_of_answer(x, &reply.headers)))
        return exchange_no_memory(x);
    if (x->record && !x->answered_for)
        x->record->glance_status = reply.status;
    exchange_answer(x, &reply);
    return STEP_END;
}
