/* SPDX-License-Identifier: Apache-2.0 */
/* POST /upload/page/image/NAME: the upload page has the opening of a file, and asks which image the
 * file would become. The answer is the JSON with which the page creates the image (POST
 * /v2/images), so that name and format are judged here alone. Nothing is created or reserved.
 *
 * The request is like a creation of tus that brings the first bytes: Upload-Length is the length of
 * the file, and the body its first FORMAT_OPENING bytes or more. */
#include "exchange/core/log_in.h"
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/stream.h"
#include "intake/tus.h"

#include <string.h>

/* Bytes: much more than the opening, since data may be compressed (opening.c). */
enum { OPENING_MAX = 1 << 20, READ_MAX = 16 * 1024 };

static bool begin(struct exchange *x)
{
    new_image_begin(new_image_of(x));
    return true;
}

/* --- the head --------------------------------------------------------------------------------- */

static enum step_result admit(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    const struct framing_facts *framing = client_framing(x->client);
    const char *detail = "";
    if (flow->no_memory)
        return exchange_no_memory(x);
    if (*flow->fault)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", flow->fault);
    if (!flow->wanted.name)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "the address has no name for the image");
    enum refusal reason =
        tus_read_creation(&client_head(x->client)->headers, framing, &flow->file_length, &detail);
    if (reason)
        return exchange_refuse_for(x, reason, "%s", detail);
    if (flow->file_length == 0 || framing->length == 0)
        return exchange_refuse(x, REFUSAL_EMPTY_BODY);
    if (framing->length > OPENING_MAX)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST,
                                   "the opening of a file has at most %d bytes", OPENING_MAX);
    return STEP_NEXT;
}

/* --- the body --------------------------------------------------------------------------------- */

/* The rest that was not needed, so that the connection can be used again. */
static enum step_result drop_rest(struct exchange *x)
{
    char bytes[READ_MAX];
    ssize_t count;
    while ((count = client_read(x->client, bytes, sizeof bytes)) > 0)
        continue;
    if (count == STREAM_WAIT)
        return STEP_WAIT;
    return count == STREAM_END ? STEP_NEXT : exchange_drop_client(x);
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool compose(struct new_image_flow *flow, struct reply *reply)
{
    const struct buffer *json = &flow->json;
    reply->status = 200;
    return new_image_write_json(flow) && buffer_append(&reply->body, json->data, json->len) &&
           buffer_append(&reply->body, "\n", 1) &&
           headers_add(&reply->headers, "Content-Type", "application/json") &&
           headers_add(&reply->headers, "Cache-Control", "no-store") &&
           headers_add(&reply->headers, "X-Openstack-Request-Id", flow->upload.x.request.id);
}

static enum step_result answer(struct exchange *x)
{
    struct reply reply;
    reply_init(&reply);
    if (!compose(new_image_of(x), &reply)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}

/* --- the kind --------------------------------------------------------------------------------- */

static const struct step STEPS[] = {
    {"login", new_image_login},
    {"admit", admit},
    {"invite", new_image_invite},
    {"find", new_image_open},
    {"drop", drop_rest},
    {"answer", answer},
    {NULL, NULL},
};

static bool add_to_answer(const struct exchange *x, struct headers *out)
{
    return log_in_add_to_answer(((const struct new_image_flow *)x)->login, out);
}

const struct exchange_kind DESCRIBE_KIND = {
    .size = sizeof(struct new_image_flow),
    .steps = STEPS,
    .begin = begin,
    .end = new_image_end,
    .add_to_answer = add_to_answer,
    .describe = upload_describe,
};
