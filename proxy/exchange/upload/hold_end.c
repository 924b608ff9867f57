/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an upload that can be resumed and has no client: it is dropped, or its file is left on
 * disk. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/resumption.h"

#include <inttypes.h>

/* From now on it is as if it had been created before its data came: the rest comes in parts. */
static void become_parts(struct upload_flow *upload)
{
    if (upload->creation.wanted || !upload_is_kept(upload))
        return;
    upload->creation.length = upload_data_length(upload);
    upload->creation.wanted = true;
}

void upload_leave_client(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct client *client = x->client;
    if (!client)
        return;
    become_parts(upload);
    exchange_make_orphan(x);
    client_leave(client);
}

void upload_leave_resumption(struct upload_flow *upload, enum refusal reason, const char *detail)
{
    struct resumption *resumption = upload_source_clear(upload);
    if (!resumption)
        return;
    resumption_refuse(resumption, reason, detail, upload->source.taken);
    resumption_release(resumption);
}

static void end_without_client(struct upload_flow *upload, const char *why)
{
    struct exchange *x = &upload->x;
    upload_leave_client(upload);
    upload_leave_resumption(upload, REFUSAL_OFFSET_MISMATCH, why);
    exchange_stop_asking(x);
    exchange_mark_aborted(x);
    exchange_end_steps(x, STEP_END);
    exchange_wake(x);
}

void upload_drop(void *owner, const char *why)
{
    struct upload_flow *upload = upload_of(owner);
    struct exchange *x = &upload->x;
    if (!x->step)
        return;
    request_say(&x->request, LOG_LEVEL_WARNING,
                "the upload to image %s, which had %" PRIu64 " of %" PRIu64
                " bytes, was dropped: %s",
                x->request.route.image_id, upload->source.taken, upload_data_length(upload), why);
    metrics_held_dropped(x->parts->metrics);
    upload->keep.end = REMOVE_FILE;
    end_without_client(upload, why);
}

/* Its file is for the next process. */
static void leave_on_disk(struct upload_flow *upload, const char *why)
{
    request_say(&upload->x.request, LOG_LEVEL_INFO,
                "the upload to image %s stays on disk with %" PRIu64 " of %" PRIu64 " bytes: %s",
                upload->x.request.route.image_id, upload->source.taken, upload_data_length(upload),
                why);
    upload->keep.end = KEEP_FILE;
    end_without_client(upload, why);
}

void upload_drain(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    const char *why = x->parts->drain == DRAIN_HANDED_OVER
                          ? "this process has handed over to a new one"
                          : "the proxy is stopping";
    if (!upload->hold.held)
        return;
    if (upload_is_kept(upload))
        leave_on_disk(upload, why);
    else
        upload_drop(x, why);
}
