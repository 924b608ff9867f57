/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the data has come as a whole, and the image has more. */
#include "exchange/upload/upload_steps.h"

#include "intake/resumption.h"

/* The upload is held first: the client may go on with it at once. */
bool upload_end_part(struct upload_flow *upload)
{
    struct resumption *resumption = upload_source_clear(upload);
    bool good = (resumption || upload->x.client) && upload_can_hold(upload);
    if (good)
        upload_begin_hold(upload);
    if (resumption)
        resumption_end(resumption, RESUMPTION_PART, NULL, upload->source.taken);
    else
        good = good && upload_tell_created(upload);
    resumption_release(resumption);
    return good;
}
