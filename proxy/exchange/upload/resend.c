/* SPDX-License-Identifier: Apache-2.0 */
/* Sends an upload once more, after Glance broke off: the safe retry.
 *
 * It is safe if the whole image is on disk, and Glance has nothing of it any more: the image is
 * `queued` at two looks in a row, and has no os_hash_value and no stores. A request that still
 * waits in front of Glance has lost its connection, and its body can never be complete.
 *
 * - An answer of Glance's own is final, and so is a timeout: a Glance that hangs would hang again.
 * - It is sent again once, and only while the client waits. A client that has left may come back
 *   with the same image, and would collide with an upload that nobody waits for. */
#include "exchange/upload/upload_steps.h"

#include "intake/metrics.h"
#include "intake/record.h"

#include <stdlib.h>
#include <string.h>

/* A balancer's 503 could be Glance's own. */
static bool broke_off(const struct upload_flow *upload)
{
    unsigned status = upload->x.glance.answer.status;
    bool by_balancer = status == 502 || status == 504;
    return by_balancer || (upload->outcome.failure == REFUSAL_GLANCE_FAILED && status == 0);
}

bool upload_may_resend(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    bool waits = (x->client && !x->client_lost) || upload->source.resumption;
    return waits && !upload->outcome.resent && broke_off(upload) && upload->body &&
           (body_can_rewind(upload->body) || upload_may_rewind_kept(upload));
}

static void forget_attempt(struct upload_flow *upload)
{
    struct request_record *record = upload->x.record;
    atomic_store_explicit(&record->bytes, 0, memory_order_relaxed);
    record->glance_status = 0;
    fetch_end(&upload->check.image_question);
    free(upload->outcome.hint);
    upload->outcome = (struct outcome){.resent = true};
    upload->send = (struct send_state){0};
}

enum step_result upload_resend(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (!upload_is_kept(upload) && !body_rewind(upload->body))
        return exchange_no_memory(x);
    request_say(&x->request, LOG_LEVEL_WARNING,
                "Glance broke off, and the image %s is queued again: it is sent once more",
                x->request.route.image_id);
    metrics_resent(x->parts->metrics);
    forget_attempt(upload);
    return upload_is_kept(upload) ? upload_prepare_again(upload) : upload_queue_again(upload);
}
