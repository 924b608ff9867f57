/* SPDX-License-Identifier: Apache-2.0 */
/* Does the image in Glance have what it was sent? */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/verify.h"

enum verify_verdict upload_compare(struct exchange *x, const struct image *seen,
                                   char why[VERIFY_WORDS])
{
    const struct settings *settings = x->snapshot->settings;
    const struct verify_expected expected = {
        .stage = x->record->kind == RECORD_STAGE,
        .size = body_count(x->body),
        .store = audit_only(x) ? NULL : x->record->store,
        .digests = settings->upload.verify == VERIFY_DIGEST ? body_digests(x->body) : NULL,
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
    };
    return verify_image(&expected, seen, x->record->verified, why);
}
