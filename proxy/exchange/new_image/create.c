/* SPDX-License-Identifier: Apache-2.0 */
/* Creates the image in Glance. What Glance does not accept is the client's answer. */
#include "exchange/new_image/new_image_flow.h"

#include "intake/metrics.h"
#include "intake/new_image_json.h"
#include "intake/record.h"
#include "intake/stream.h"

#include <string.h>
#include <sys/param.h>

static const uint64_t GIB = UINT64_C(1) << 30;

/* --- the JSON -------------------------------------------------------------------------------- */

/* The size of the disk: that in its header, or of a raw one that of the image. 0: not known. */
static uint64_t disk_size(const struct new_image_flow *flow)
{
    const struct upload_size *size = &flow->upload.size;
    if (flow->found.virtual_size_known)
        return flow->found.virtual_size;
    bool is_disk =
        strcmp(flow->found.disk_format, "raw") == 0 || strcmp(flow->found.disk_format, "iso") == 0;
    if (is_disk && flow->decompressed)
        return flow->length == FORMAT_LENGTH_UNKNOWN ? 0 : flow->length;
    return is_disk && size->known ? size->bytes : 0;
}

static bool needs_size(const struct new_image_flow *flow)
{
    return flow->wanted.min_disk_from == MIN_DISK_AUTO && disk_size(flow) == 0;
}

bool new_image_write_json(struct new_image_flow *flow)
{
    bool is_auto = flow->wanted.min_disk_from == MIN_DISK_AUTO;
    uint64_t size = disk_size(flow);
    uint64_t in_gib = size / GIB + (size % GIB != 0);
    const struct new_image_facts facts = {
        .id = flow->upload.x.request.route.image_id,
        .disk_format = flow->found.disk_format,
        .container_format = flow->found.container_format,
        .has_min_disk = flow->wanted.min_disk_from != MIN_DISK_UNSET,
        .min_disk = is_auto ? in_gib : flow->wanted.min_disk,
    };
    return new_image_json(&flow->wanted, &facts, &flow->json);
}

/* --- the request ----------------------------------------------------------------------------- */

static ssize_t pull(void *owner, void *into, size_t room)
{
    struct new_image_flow *flow = new_image_of(owner);
    size_t count = MIN(flow->json.len - flow->json_sent, room);
    if (!count)
        return STREAM_END;
    memcpy(into, flow->json.data + flow->json_sent, count);
    flow->json_sent += count;
    metrics_bytes(flow->upload.x.parts->metrics, count, 0);
    return (ssize_t)count;
}

static const struct upstream_callbacks CREATE = {
    .head = glance_head,
    .data = glance_collect,
    .pull = pull,
    .done = glance_over,
};

static bool ask(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    struct headers fields = {0};
    const struct upstream_request request = {.method = "POST",
                                             .target = "/v2/images",
                                             .headers = &fields,
                                             .framing = FRAMING_LENGTH,
                                             .length = flow->json.len};
    bool asked = headers_for_question(x, &fields) &&
                 headers_set(&fields, "Content-Type", "application/json") &&
                 glance_ask(x, &request, &CREATE);
    headers_free(&fields);
    if (asked)
        flow->state = NEW_IMAGE_ASKED;
    return asked;
}

/* --- the answer ------------------------------------------------------------------------------ */

/* Glance may have created it where the answer is lost. */
static enum step_result refuse(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    if (x->glance.result == TRANSFER_UNREACHABLE)
        flow->state = NEW_IMAGE_NONE;
    return glance_refuse(x, x->glance.result, x->glance.fault);
}

static enum step_result take(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    struct image *image = &flow->upload.check.image;
    const struct buffer *body = &x->glance.answer.body;
    flow->state = NEW_IMAGE_MADE;
    image_free(image);
    if (image_parse(buffer_text(body), body->len, image))
        return STEP_NEXT;
    return image->no_memory ? exchange_no_memory(x)
                            : exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                                  "what it says of the image cannot be read");
}

static enum step_result judge(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const struct conversation *glance = &x->glance;
    if (!x->client) {
        flow->state = glance->result == TRANSFER_ANSWERED ? NEW_IMAGE_MADE : flow->state;
        exchange_mark_aborted(x);
        return STEP_END;
    }
    if (glance->result != TRANSFER_ANSWERED || glance->fault != ANSWER_WHOLE)
        return refuse(flow);
    if (glance->answer.status == 201)
        return take(flow);
    if (glance->answer.status < 500)
        flow->state = NEW_IMAGE_NONE;
    x->record->glance_status = glance->answer.status;
    return glance_pass_answer(x);
}

enum step_result new_image_create(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (!x->entering)
        return x->glance.over ? judge(flow) : STEP_WAIT;
    if (needs_size(flow))
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST,
                                   "min_disk=auto needs a file whose size is known%s, or a format "
                                   "that has the size of its disk at its beginning; min_disk can "
                                   "be a number of GiB",
                                   flow->decompressed ? " once it is decompressed" : "");
    return new_image_write_json(flow) && ask(flow) ? STEP_WAIT : exchange_no_memory(x);
}
