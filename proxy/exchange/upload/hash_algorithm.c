/* SPDX-License-Identifier: Apache-2.0 */
/* Learns by which algorithm Glance hashes images, before the first upload is hashed.
 *
 * Otherwise the first uploads would be hashed twice: with SHA-512, and with MD5 for Glance's
 * `checksum`. So the first upload also asks for the newest active image, which has `os_hash_algo`.
 * No upload waits for that answer. If there is none, Glance tells the algorithm after the upload.
 */
#include "exchange/upload/upload_steps.h"

#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"

enum { TIMEOUT_MS = 10000 };

static const char ACTIVE_IMAGE[] = "/v2/images?limit=1&status=active";

static void nobody_waits(void *context)
{
    (void)context;
}

void hash_algorithm_ask(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct upstream_request request = {.method = "GET",
                                             .target = ACTIVE_IMAGE,
                                             .headers = &upload->check.fields,
                                             .timeout = TIMEOUT_MS,
                                             .together = &x->glance.same_endpoint};
    if (x->record->kind != RECORD_STAGE && x->snapshot->settings->upload.verify == VERIFY_DIGEST &&
        stores_ask_algorithm(x->parts->stores))
        fetch_start(&upload->algorithm_question, x->parts->glance, x->snapshot->settings, &request,
                    nobody_waits, NULL);
}

void hash_algorithm_take(struct upload_flow *upload)
{
    const struct fetch *fetch = &upload->algorithm_question;
    const struct buffer *body = &fetch->answer.body;
    if (!fetch->over)
        return;
    if (fetch_answered(fetch) && fetch->answer.status == 200)
        stores_learn_from_list(upload->x.parts->stores, buffer_text(body), body->len);
    fetch_end(&upload->algorithm_question);
}

void hash_algorithm_stop(struct upload_flow *upload)
{
    hash_algorithm_take(upload);
    fetch_end(&upload->algorithm_question);
}
