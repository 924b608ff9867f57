/* SPDX-License-Identifier: Apache-2.0 */
/* Glance 2025.1 and later checks the format after its store has everything, and answers 415 to what
 * it does not take (glance/api/v2/image_data.py, upload()). The image is `queued` again then, but
 * keeps the hash and the store, and takes no other data.
 *
 * Only the newest releases name a reason in the answer. Others answer as for a wrong content type,
 * and name the right type. So the proxy recognises such an answer by this: every byte was sent, and
 * with the right type. A refusal of the type comes before the body is read. */
#include "exchange/upload/upload_steps.h"

#include "intake/inspection.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct poll_plan AFTERWARDS = {
    .timeout_ms = 5000, .wait_ms = 250, .wait_max_ms = 2000};

/* --- data that is refused before it is sent ----------------------------------------------- */

unsigned late_refusals_expected(const struct upload_flow *upload)
{
    enum glance_checks checks = upload->x.snapshot->settings->upload.glance_checks;
    if (checks == GLANCE_CHECKS_OFF || upload->x.record->kind != RECORD_FILE)
        return 0;
    return checks == GLANCE_CHECKS_ON ? GLANCE_OBJECTIONS_ALL
                                      : inspection_refuses(upload->x.parts->inspection);
}

/* --- what is learned ---------------------------------------------------------------------- */

bool is_late_refusal(const struct upload_flow *upload)
{
    return !upload->outcome.failure && upload->x.glance.answer.status == 415 &&
           upload->x.record->kind == RECORD_FILE && upload->send.as_octets &&
           body_finished(upload->body);
}

/* Glance recognises a VHDX only if its store reads small blocks: 64 KiB of the store `file` are
 * small, and 5 MiB of S3 (WRITE_CHUNKSIZE in glance_store/_drivers/s3.py) are not. */
static bool is_vhdx(const struct upload_flow *upload)
{
    const char *seen = body_seen(upload->body);
    return seen && strcmp(seen, "vhdx") == 0;
}

static void learn(struct upload_flow *upload, enum glance_objection violation, const char *why)
{
    if (violation == GLANCE_TAKES_IT && is_vhdx(upload))
        violation = GLANCE_MISMATCH;
    request_say(&upload->x.request, LOG_LEVEL_WARNING,
                "Glance has refused the data of image %s after storing it%s%s",
                upload->x.request.route.image_id, *why ? ": " : "", why);
    if (upload->x.snapshot->settings->upload.glance_checks == GLANCE_CHECKS_AUTO &&
        inspection_learn_refused(upload->x.parts->inspection, violation))
        request_say(&upload->x.request, LOG_LEVEL_WARNING,
                    "this Glance checks the data after storing it. From now on the proxy refuses "
                    "such data before it is sent ([upload] glance_checks = off ends that)");
}

void late_refusal_learn_taken(struct upload_flow *upload)
{
    const char *why;
    enum glance_objection violation = body_glance_objection(upload->body, &why);
    if (upload->x.record->kind == RECORD_FILE && body_finished(upload->body))
        inspection_learn_taken(upload->x.parts->inspection, violation);
}

/* --- what the client is told -------------------------------------------------------------- */

#define REFUSED_AFTERWARDS "Glance has refused the data after storing it{detail}. "

static const char SPOILT[] =
    REFUSED_AFTERWARDS "The image takes no other data now, so delete it and create a new one: "
                       "{delete}";
static const char GONE[] = REFUSED_AFTERWARDS "No image was left behind.";
static const char WAITING[] = REFUSED_AFTERWARDS "The image waits for data again.";

static const char VHDX[] =
    "glance_store misreads a VHDX if the store reads it in large blocks, as S3 does: use another "
    "store, or convert it with qemu-img convert -O qcow2 FILE COPY and create the image with "
    "--disk-format qcow2";

static bool is_spoilt(const struct image *seen)
{
    return (seen->os_hash_value && *seen->os_hash_value) || (seen->stores && *seen->stores);
}

/* Without memory the answer has no hint. */
static void tell(struct upload_flow *upload, const char *text)
{
    char log_says_why[REQUEST_ID_MAX + 64];
    const char *why;
    snprintf(log_says_why, sizeof log_says_why, "Glance's log says why at %s",
             upload->x.request.id);
    bool known = body_glance_objection(upload->body, &why) != GLANCE_TAKES_IT;
    free(upload->outcome.hint);
    upload->outcome.hint = exchange_hint(&upload->x, upload_makes_image(upload) ? GONE : text,
                                         known             ? why
                                         : is_vhdx(upload) ? VHDX
                                                           : log_says_why);
}

/* An image that cannot be seen counts as spoilt: with every Glance that answers so, it is. */
enum step_result late_refusal_see_image(struct upload_flow *upload)
{
    struct image seen = {0};
    const char *why;
    if (upload->x.entering) {
        enum glance_objection violation = body_glance_objection(upload->body, &why);
        learn(upload, violation, why);
    }
    switch (upload_poll(upload, &AFTERWARDS, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_SEEN:
        snprintf(upload->x.record->image_after, sizeof upload->x.record->image_after, "%.32s",
                 seen.status);
        tell(upload, is_spoilt(&seen) ? SPOILT : WAITING);
        image_free(&seen);
        return STEP_NEXT;
    default:
        tell(upload, SPOILT);
        return STEP_NEXT;
    }
}
