/* SPDX-License-Identifier: Apache-2.0 */
/* Who may go on with an upload, or replace it? Those whom Glance would let upload to the image now.
 *
 * Glance tells nobody the project of a token. But it answers an upload to an image that is `saving`
 * before it reads: 403 or 404 for a stranger, 409 for somebody who may. The running upload is not
 * harmed. The request announces one byte and never sends it: if the image became `queued` at that
 * moment, an upload without a byte would make an empty image of it.
 *
 * An image that is `queued` would take that upload. There, an update that removes a property which
 * the image does not have tells the same: Glance looks first whether the caller may change the
 * image, and then answers 409. */
#include "exchange/upload/upload_steps.h"

#include "intake/record.h"
#include "intake/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 10000, /* Glance may have no worker to spare */
    BODY_MS = 500   /* for the rest of a refusal */
};

static const char NO_PROPERTY[] = "[{\"op\": \"remove\", \"path\": \"/glance_intake_may_upload\"}]";

static ssize_t never(void *owner, void *into, size_t room)
{
    (void)owner;
    (void)into;
    (void)room;
    return STREAM_WAIT;
}

static const struct upstream_callbacks QUESTION = {
    .head = glance_head, .data = glance_collect, .pull = never, .done = glance_over};

/* The update is small: libcurl takes it at once, and asks again only for its end. */
static ssize_t update(void *owner, void *into, size_t room)
{
    (void)owner;
    size_t count = sizeof NO_PROPERTY - 1;
    if (room < count)
        return STREAM_LOST;
    memcpy(into, NO_PROPERTY, count);
    return (ssize_t)count;
}

static const struct upstream_callbacks UPDATE = {
    .head = glance_head, .data = glance_collect, .pull = update, .done = glance_over};

static bool ask(struct exchange *x, const struct image_check *check)
{
    char target[IMAGE_ID_MAX + sizeof "/v2/images//file"];
    bool queued = strcmp(check->image.status, "queued") == 0;
    struct headers own = {0};
    snprintf(target, sizeof target, "/v2/images/%s%s", x->request.route.image_id,
             queued ? "" : "/file");
    const struct upstream_request request = {.method = queued ? "PATCH" : "PUT",
                                             .target = target,
                                             .headers = &own,
                                             .framing = FRAMING_LENGTH,
                                             .length = queued ? sizeof NO_PROPERTY - 1 : 1};
    bool good = true;
    headers_each(row, &check->fields)
        good = good && headers_add(&own, row->name, row->value);
    good = good &&
           headers_set(&own, "Content-Type",
                       queued ? "application/openstack-images-v2.1-json-patch"
                              : "application/octet-stream") &&
           glance_ask(x, &request, queued ? &UPDATE : &QUESTION);
    headers_free(&own);
    if (good)
        exchange_wait_at_most(x, ASK_MS);
    return good;
}

static void end_question(struct exchange *x)
{
    timer_cancel(x->parts->loop, &x->step_timer);
    transfer_abort(x->glance.transfer);
    x->glance.transfer = NULL;
}

/* Whether its body has come, or is not worth more time. */
static bool has_body(const struct exchange *x)
{
    const char *length = headers_get(&x->glance.answer.headers, "Content-Length");
    return x->glance.over || x->step_timer_fired ||
           (length && x->glance.answer.body.len >= strtoull(length, NULL, 10));
}

static enum step_result pass_refusal(struct exchange *x)
{
    end_question(x);
    if (x->record)
        x->record->glance_status = x->glance.answer.status;
    return glance_pass_answer(x);
}

static enum step_result take_answer(struct exchange *x)
{
    unsigned status = x->glance.answer.status;
    if (status == 409 || status == 200) { /* 200: it had that property */
        end_question(x);
        reply_free(&x->glance.answer);
        reply_init(&x->glance.answer);
        return STEP_NEXT;
    }
    if (status / 100 != 4) {
        end_question(x);
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                   "it does not tell who may upload to the image");
    }
    if (has_body(x))
        return pass_refusal(x);
    exchange_wait_at_most(x, BODY_MS);
    return STEP_WAIT;
}

enum step_result upload_ask_who_may(struct exchange *x, const struct image_check *check)
{
    if (!x->glance.transfer && !x->glance.over)
        return ask(x, check) ? STEP_WAIT : exchange_no_memory(x);
    if (glance_has_answered(x))
        return take_answer(x);
    if (x->glance.over)
        return glance_refuse(x, x->glance.result, x->glance.fault);
    if (!x->step_timer_fired)
        return STEP_WAIT;
    end_question(x);
    return exchange_refuse(x, REFUSAL_GLANCE_TIMEOUT);
}
