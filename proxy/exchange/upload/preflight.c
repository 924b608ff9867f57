/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Glance, before an upload and all at once: for the image, for what its project may still
 * upload unless that is known (quota_answer.c), and for its stores unless they are known.
 *
 * The usage is read last. For it Glance asks Keystone for every limit there is, which takes longer
 * than all other questions, and an upload that is refused for another reason does not wait for
 * it. */
#include "exchange/upload/upload_steps.h"

/* Data that is staged has no store yet. */
static bool ask_all(struct exchange *x, struct upload_flow *upload)
{
    struct image_check *check = &upload->check;
    return image_check_begin(x, check) && image_check_ask_image(x, check, FETCH_TIMEOUT_MS) &&
           quota_answer_begin(upload) &&
           (x->record->kind == RECORD_STAGE || image_check_ask_stores(x, check));
}

enum step_result upload_preflight(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering) {
        bool asked = ask_all(x, upload);
        hash_algorithm_ask(upload);
        return asked ? STEP_WAIT : exchange_no_memory(x);
    }
    return image_check_wait(x, &upload->check);
}
