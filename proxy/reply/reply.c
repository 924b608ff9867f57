/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a refusal in the form that the client shows completely:
 * - JSON. curl and Postman show the body as it is. openstacksdk shows `message` if the type is
 *   application/json.
 * - Text. glanceclient expects objects in a JSON error and fails with "'str' object has no
 *   attribute 'get'"; it shows text/plain as it is. A client that spoke plain HTTP to a TLS port is
 *   not known, and also gets text. */
#include "intake/reply.h"

#include "reply/hints.h"
#include "reply/new_image.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_MAX = 1 << 16 };

void reply_init(struct reply *reply)
{
    *reply = (struct reply){0};
    buffer_init(&reply->body, REPLY_BODY_MAX);
}

void reply_free(struct reply *reply)
{
    headers_free(&reply->headers);
    buffer_free(&reply->body);
    reply->status = 0;
}

/* --- JSON and text --------------------------------------------------------------------- */

struct refusal_text {
    const struct refusal_row *row;
    struct buffer message;
    struct buffer hint;
    char code[64]; /* "409 Conflict" */
};

/* Further members of the same object, which is a problem then, too. */
static bool add_problem(const struct refusal_context *context, json_t *object)
{
    json_t *members = NULL;
    if (!context->problem)
        return true;
    if (context->tells_offsets)
        members = json_pack("{s:s, s:I, s:I}", "type", context->problem, "expected-offset",
                            (json_int_t)context->expected_offset, "provided-offset",
                            (json_int_t)context->provided_offset);
    else
        members = json_pack("{s:s}", "type", context->problem);
    bool added = members && json_object_update(object, members) == 0;
    json_decref(members);
    return added;
}

static const char *type_of_json(const struct refusal_context *context)
{
    return context->problem ? "application/problem+json" : "application/json";
}

static bool write_json(const struct refusal_text *text, const struct refusal_context *context,
                       struct buffer *out)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s}", /* in the documented order */
                               "message", buffer_text(&text->message), "code", text->code, "title",
                               reply_phrase(text->row->status), "reason", text->row->name, "hint",
                               buffer_text(&text->hint), "image_id", context->image_id,
                               "request_id", context->request_id);
    char *json = object && add_problem(context, object) ? json_dumps(object, 0) : NULL;
    bool written = json && buffer_append(out, json, strlen(json)) && buffer_append(out, "\n", 1);
    free(json);
    json_decref(object);
    return written;
}

static bool write_text(const struct refusal_text *text, const struct refusal_context *context,
                       struct buffer *out)
{
    return buffer_print(out, "%s: %s\nHint: %s\nRequest: %s\n", text->code,
                        buffer_text(&text->message), buffer_text(&text->hint), context->request_id);
}

static bool wants_text(const struct refusal_text *text, const char *user_agent)
{
    return text->row == refusal_row(REFUSAL_PLAIN_HTTP) ||
           (user_agent && strcasestr(user_agent, "glanceclient"));
}

static bool write_refusal(struct reply *reply, const struct refusal_text *text,
                          const struct refusal_context *context)
{
    bool plain = wants_text(text, context->user_agent);
    reply->status = text->row->status;
    return headers_add(&reply->headers, "Content-Type",
                       plain ? "text/plain; charset=UTF-8" : type_of_json(context)) &&
           headers_add(&reply->headers, "X-Openstack-Request-Id", context->request_id) &&
           (plain ? write_text : write_json)(text, context, &reply->body);
}

/* Glance would refuse the data. That does not mean that the data is wrong, so this says no more. */
#define MESSAGE_FOR_GLANCE                                                                         \
    "Glance would refuse this data only after storing all of it, and the image could not be used " \
    "again{detail}. The data was not sent, and "
#define STILL_WAITS "the image still waits for data."
#define NO_IMAGE    "no image was left behind."

/* The client of an upload has sent nothing more, and the upload is held. */
static const char MESSAGE_RESUMABLE[] =
    "The client sent no more data, so the request was ended{detail}. What has come is kept for "
    "some "
    "minutes: check the network, ask for Upload-Offset with HEAD, and go on there.";

/* For an empty upload without a detail, the detail is the usual cause in the client's program. */
static void add_cause(enum refusal refusal, struct refusal_context *context)
{
    if (refusal == REFUSAL_EMPTY_BODY && (!context->detail || !*context->detail))
        context->detail = tool_of(context->user_agent)->nothing;
}

bool reply_fill_in(const char *text, const struct refusal_context *context, struct buffer *out)
{
    return hints_fill_in(text, context, out);
}

static struct refusal_words words_for(enum refusal refusal, const struct refusal_context *context)
{
    const struct refusal_row *row = refusal_row(refusal);
    const struct refusal_words *own = context->new_image ? words_for_new_image(refusal) : NULL;
    if (context->for_glance)
        return (struct refusal_words){context->new_image ? MESSAGE_FOR_GLANCE NO_IMAGE
                                                         : MESSAGE_FOR_GLANCE STILL_WAITS,
                                      "{right}"};
    if (context->resumable)
        return (struct refusal_words){
            refusal == REFUSAL_CLIENT_STALLED ? MESSAGE_RESUMABLE : row->message, REFUSAL_RESUME};
    return own ? *own : (struct refusal_words){row->message, row->hint};
}

bool reply_refuse(struct reply *reply, enum refusal refusal, const struct refusal_context *known)
{
    struct refusal_context whole = *known;
    const struct refusal_context *context = &whole;
    add_cause(refusal, &whole);
    struct refusal_text text = {.row = refusal_row(refusal)};
    buffer_init(&text.message, SENTENCE_MAX);
    buffer_init(&text.hint, SENTENCE_MAX);
    snprintf(text.code, sizeof text.code, "%u %s", text.row->status,
             reply_phrase(text.row->status));

    reply_free(reply);
    struct refusal_words words = words_for(refusal, context);
    bool made = hints_fill_in(words.message, context, &text.message) &&
                hints_fill_in(words.hint, context, &text.hint) &&
                write_refusal(reply, &text, context);
    if (!made)
        reply_free(reply);
    buffer_free(&text.message);
    buffer_free(&text.hint);
    return made;
}
