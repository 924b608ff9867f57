/* SPDX-License-Identifier: Apache-2.0 */
/* Glance 2025.1 and later looks at the format after its store has everything, and answers 415 to
 * what it does not take (glance/api/v2/image_data.py, upload()). The image is `queued` again then,
 * but keeps the hash and the store, and takes no other data.
 *
 * The answer's text tells a reason in the newest releases only; the others have the one of a wrong
 * content type, with the right type in it. So it is told by this: every byte was sent, and under
 * that type. A refusal of the type comes before the body is read. */
#include "exchange/upload/upload_steps.h"

#include "intake/inspection.h"
#include "intake/log.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <string.h>

static const struct poll_plan AFTERWARDS = {
    .timeout_ms = 5000, .wait_ms = 250, .wait_max_ms = 2000};

/* --- what is refused first ---------------------------------------------------------------- */

unsigned inspected_refuses(const struct exchange *x)
{
    enum glance_checks checks = x->snapshot->settings->upload.glance_checks;
    if (checks == GLANCE_CHECKS_OFF || x->record->kind != RECORD_FILE)
        return 0;
    return checks == GLANCE_CHECKS_ON ? GLANCE_OBJECTIONS_ALL
                                      : inspection_refuses(x->parts->inspection);
}

/* --- what is learned ---------------------------------------------------------------------- */

bool inspected_refused(const struct exchange *x)
{
    return !x->failure && x->glance.answer.status == 415 && x->record->kind == RECORD_FILE &&
           x->sent_as_octets && body_finished(x->body);
}

/* Glance finds what a VHDX has in it only if its store reads small pieces; 64 KiB of the store
 * `file` are, and 5 MiB of S3 (WRITE_CHUNKSIZE in glance_store/_drivers/s3.py) are not. */
static bool is_vhdx(const struct exchange *x)
{
    const char *seen = body_seen(x->body);
    return seen && strcmp(seen, "vhdx") == 0;
}

static void learn(struct exchange *x, enum glance_objection violation, const char *why)
{
    if (violation == GLANCE_TAKES_IT && is_vhdx(x))
        violation = GLANCE_MISMATCH;
    log_say(LOG_LEVEL_WARNING, "%s: Glance has refused the data of image %s after storing it%s%s",
            x->request.id, x->request.route.image_id, *why ? ": " : "", why);
    if (x->snapshot->settings->upload.glance_checks == GLANCE_CHECKS_AUTO &&
        inspection_learn_refused(x->parts->inspection, violation))
        log_say(LOG_LEVEL_WARNING,
                "%s: this Glance looks at the data after storing it, so what it refuses like this "
                "is refused before it is sent from now on ([upload] glance_checks = off ends that)",
                x->request.id);
}

void inspected_taken(struct exchange *x)
{
    const char *why;
    enum glance_objection violation = body_glance_objection(x->body, &why);
    if (x->record->kind == RECORD_FILE && body_finished(x->body))
        inspection_learn_taken(x->parts->inspection, violation);
}

/* --- what is told of it ------------------------------------------------------------------- */

#define REFUSED_AFTERWARDS "Glance has refused the data after storing it{detail}. "

static const char SPOILT[] =
    REFUSED_AFTERWARDS "The image takes no other data now, so delete it and create a new one: "
                       "{delete}";
static const char WAITING[] = REFUSED_AFTERWARDS "The image waits for data again.";

static const char VHDX[] =
    "of a VHDX this is a fault of glance_store where the store reads it in large pieces, as S3 "
    "does: use another store, or convert it with qemu-img convert -O qcow2 FILE COPY and create "
    "the image with --disk-format qcow2";

static bool is_spoilt(const struct image *seen)
{
    return (seen->os_hash_value && *seen->os_hash_value) || (seen->stores && *seen->stores);
}

/* Without memory for it, the answer is Glance's alone. */
static void tell(struct exchange *x, const char *text)
{
    char log_says_why[REQUEST_ID_MAX + 64];
    const char *why;
    snprintf(log_says_why, sizeof log_says_why, "Glance's log says why at %s", x->request.id);
    bool known = body_glance_objection(x->body, &why) != GLANCE_TAKES_IT;
    exchange_hint(x, text, known ? why : is_vhdx(x) ? VHDX : log_says_why);
}

/* What cannot be looked at is taken for spoilt: it is with every Glance that answers so. */
enum step_result inspected_look(struct exchange *x)
{
    struct image seen = {0};
    const char *why;
    if (x->entering) {
        enum glance_objection violation = body_glance_objection(x->body, &why);
        learn(x, violation, why);
    }
    switch (upload_poll(x, &AFTERWARDS, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_SEEN:
        snprintf(x->record->image_after, sizeof x->record->image_after, "%.32s", seen.status);
        tell(x, is_spoilt(&seen) ? SPOILT : WAITING);
        image_free(&seen);
        return STEP_NEXT;
    default:
        tell(x, SPOILT);
        return STEP_NEXT;
    }
}
