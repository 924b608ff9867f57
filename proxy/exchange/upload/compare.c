/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the image in Glance with what was sent. */
#include "exchange/upload/upload_steps.h"

#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

enum verify_verdict upload_compare(struct upload_flow *upload, const struct image *seen,
                                   char why[VERIFY_WORDS])
{
    const struct exchange *x = &upload->x;
    const struct image *before = &upload->check.image;
    bool digests = x->snapshot->settings->upload.verify == VERIFY_DIGEST;
    const struct verify_expected expected = {
        .stage = x->record->kind == RECORD_STAGE,
        .size = body_count(upload->body),
        .store = audit_only(x) ? NULL : x->record->store,
        .digests = digests ? body_digests(upload->body) : NULL,
        .disk_format = before->disk_format,
        .container_format = before->container_format,
    };
    return verify_image(&expected, seen, x->record->verified, why);
}
