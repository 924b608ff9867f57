/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Glance, before an upload and all at once: for the image, for what its project may still
 * upload, and for its stores unless they are known.
 *
 * The usage is read last. For it Glance asks Keystone for every limit there is, which takes longer
 * than all other questions, and an upload that is refused for another reason does not wait for it.
 * If Glance has no limits to tell of, there is nothing to check. If it fails to tell, the upload
 * goes on, and the log says so. */
#include "exchange/upload/upload_steps.h"

#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

enum { USAGE_TIMEOUT_MS = 10000 };

bool upload_ask_usage(struct exchange *x, struct quota_check *quota, const struct headers *fields)
{
    quota->mark = quota_reservations_mark(x->parts->quota_reservations);
    return image_check_ask(x, fields, &quota->question, "/v2/info/usage", USAGE_TIMEOUT_MS);
}

static void take_usage(const struct exchange *x, struct quota_check *quota)
{
    const struct buffer *body = &quota->question.answer.body;
    if (image_check_was_told(x, &quota->question, "what the project may upload") &&
        !usage_parse(buffer_text(body), body->len, &quota->usage))
        log_say(LOG_LEVEL_WARNING, "%s: the answer to /v2/info/usage cannot be read: not checked",
                x->request.id);
    fetch_end(&quota->question);
}

bool upload_read_usage(struct exchange *x, struct quota_check *quota)
{
    if (image_check_is_waiting(&quota->question))
        return false;
    take_usage(x, quota);
    return true;
}

/* Data that is staged has no store yet. */
static bool ask_all(struct exchange *x, struct upload_flow *upload)
{
    struct image_check *check = &upload->check;
    return image_check_begin(x, check) && image_check_ask_image(x, check, FETCH_TIMEOUT_MS) &&
           (!x->snapshot->settings->upload.check_quota ||
            upload_ask_usage(x, &upload->quota, &check->fields)) &&
           (x->record->kind == RECORD_STAGE || image_check_ask_stores(x, check));
}

enum step_result upload_preflight(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering)
        return ask_all(x, upload) ? STEP_WAIT : exchange_no_memory(x);
    return image_check_wait(x, &upload->check);
}
