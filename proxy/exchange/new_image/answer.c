/* SPDX-License-Identifier: Apache-2.0 */
/* The answer: 201 with Glance's JSON of the image, where it is, and how to boot it. */
#include "exchange/new_image/new_image_flow.h"

#include "exchange/core/resume_fields.h"
#include "intake/record.h"

#include <stdio.h>
#include <string.h>

enum { SHOW_TIMEOUT_MS = 30000 };

static bool is_stored(const struct exchange *x)
{
    return x->glance.answer.status / 100 == 2;
}

static bool is_shown(const struct new_image_flow *flow)
{
    const struct fetch *question = &flow->upload.check.image_question;
    return fetch_answered(question) && question->answer.status == 200;
}

/* The proof has asked for the image already, unless [upload] verify is off. */
enum step_result new_image_show(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    struct image_check *check = &flow->upload.check;
    if (!is_stored(x) || (x->entering && is_shown(flow)))
        return STEP_NEXT;
    if (x->entering)
        return image_check_ask_image(x, check, SHOW_TIMEOUT_MS) ? STEP_WAIT : exchange_no_memory(x);
    return check->image_question.over ? STEP_NEXT : STEP_WAIT;
}

/* Glance has the image, whether or not it says so once more. */
static bool write_body(const struct new_image_flow *flow, struct buffer *out)
{
    const struct buffer *shown = &flow->upload.check.image_question.answer.body;
    const char *id = flow->upload.x.request.route.image_id;
    if (is_shown(flow))
        return buffer_append(out, buffer_text(shown), shown->len) && buffer_append(out, "\n", 1);
    return buffer_print(out, "{\"id\": \"%s\", \"status\": \"active\"}\n", id);
}

static bool tell_next(const struct exchange *x, struct headers *out)
{
    char next[IMAGE_ID_MAX + 96];
    snprintf(next, sizeof next, "openstack server create --image %s --flavor FLAVOR NAME",
             x->request.route.image_id);
    return headers_set(out, "X-Intake-Next", next);
}

static bool tell_location(const struct exchange *x, struct headers *out)
{
    const struct origin *origin = &x->request.origin;
    char url[2048];
    snprintf(url, sizeof url, "%s://%s%s/v2/images/%s", origin->proto, origin->host, origin->prefix,
             x->request.route.image_id);
    return headers_set(out, "Location", url);
}

/* Glance's answer to the upload has its request id, and what a browser needs. */
static bool compose(struct new_image_flow *flow, unsigned status, struct reply *reply)
{
    struct exchange *x = &flow->upload.x;
    if (!glance_reply(x, reply))
        return false;
    reply->status = status;
    buffer_clear(&reply->body);
    bool good = headers_set(&reply->headers, "Content-Type", "application/json") &&
                tell_location(x, &reply->headers) && tell_next(x, &reply->headers) &&
                headers_of_answer(x, &reply->headers);
    if (!good)
        reply_free(reply);
    return good;
}

enum step_result new_image_answer(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    struct reply reply;
    if (!is_stored(x))
        return upload_answer(x);
    if (!upload_conclude(x) || !compose(flow, 201, &reply))
        return exchange_no_memory(x);
    if (!write_body(flow, &reply.body)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    flow->state = NEW_IMAGE_KEPT;
    exchange_answer(x, &reply);
    return STEP_END;
}

/* Nothing was uploaded, so there is no record of an upload. */
enum step_result new_image_answer_again(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const struct buffer *shown = &flow->listing.answer.body;
    struct reply reply;
    snprintf(x->request.route.image_id, sizeof x->request.route.image_id, "%s",
             flow->repeat.made.image);
    if (!compose(flow, 200, &reply))
        return exchange_no_memory(x);
    if (!buffer_append(&reply.body, buffer_text(shown), shown->len) ||
        !buffer_append(&reply.body, "\n", 1)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    request_say(&x->request, LOG_LEVEL_INFO, "it was sent before, and has made the image %s",
                flow->repeat.made.image);
    record_free(x->record);
    x->record = NULL;
    x->recorded = false;
    exchange_answer(x, &reply);
    return STEP_END;
}
