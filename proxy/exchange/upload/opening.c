/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the first 64 KiB of a kept upload while the rest is still to come, so that a client does
 * not send a whole image that is refused at its end. The bytes go through a body of their own, and
 * through the one that is sent once more.
 *
 * Data that is unpacked is checked at its end only: until then its size is not certain, and so
 * neither are the rule and the checks. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/format.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

void upload_open_opening(struct upload_flow *upload)
{
    struct opening *opening = &upload->keep.opening;
    if (upload->source.taken == 0)
        opening->bytes =
            malloc(FORMAT_OPENING); /* without memory the whole is checked at its end */
}

void upload_close_opening(struct upload_flow *upload)
{
    free(upload->keep.opening.bytes);
    upload->keep.opening = (struct opening){0};
}

void upload_put_opening(struct upload_flow *upload, const void *bytes, size_t count)
{
    struct opening *opening = &upload->keep.opening;
    if (!opening->bytes)
        return;
    count = MIN(count, FORMAT_OPENING - opening->count);
    memcpy(opening->bytes + opening->count, bytes, count);
    opening->count += count;
}

static enum step_result judge(struct upload_flow *upload)
{
    if (!upload_make_body(upload))
        return exchange_no_memory(&upload->x);
    int ready = body_open(upload->body);
    if (ready == 1 && !upload_is_to_be_unpacked(upload))
        ready = body_prepare(upload->body);
    if (ready == STREAM_REFUSED) {
        upload_note(upload);
        return upload_refuse_body(upload);
    }
    body_free(upload->body);
    upload->body = NULL;
    return STEP_NEXT;
}

enum step_result upload_judge_opening(struct upload_flow *upload)
{
    const struct opening *opening = &upload->keep.opening;
    if (!opening->bytes || opening->count < MIN(FORMAT_OPENING, upload_data_length(upload)))
        return STEP_NEXT;
    enum step_result result = judge(upload);
    upload_close_opening(upload);
    return result;
}
