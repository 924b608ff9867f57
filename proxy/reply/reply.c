/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal in the two shapes that people get to see whole.
 *
 *   JSON   curl and Postman show the body as it is; openstacksdk shows `message`, provided that
 *          the type is application/json.
 *   text   glanceclient takes each value of a JSON error for an object and breaks off with
 *          "'str' object has no attribute 'get'"; text/plain it shows as it is. */
#include "intake/reply.h"

#include "intake/utf8.h"

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

/* --- the sentences --------------------------------------------------------------------- */

/* ": its status is active"; an operator's own text may end with a full stop, which the sentence
 * around it has already. */
static bool add_detail(const char *detail, struct buffer *out)
{
    if (!detail || !*detail)
        return true;
    if (!buffer_append(out, ": ", 2) || !utf8_clean(detail, out))
        return false;
    while (strchr(".: ", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return true;
}

static bool add_value(const char *value, const char *otherwise, struct buffer *out)
{
    return utf8_clean(value ? value : otherwise, out);
}

/* A row's text with its placeholders filled in. */
static bool fill_in(const char *template, const struct refusal_context *context, struct buffer *out)
{
    static const char DETAIL[] = "{detail}";
    static const char URL[] = "{url}";
    static const char IMAGE[] = "{image}";
    bool fits = true;
    while (*template && fits) {
        if (!strncmp(template, DETAIL, strlen(DETAIL))) {
            fits = add_detail(context->detail, out);
            template += strlen(DETAIL);
        } else if (!strncmp(template, URL, strlen(URL))) {
            fits = add_value(context->url, "http://HOST:9292/v2/images/ID/file", out);
            template += strlen(URL);
        } else if (!strncmp(template, IMAGE, strlen(IMAGE))) {
            fits = add_value(context->image_id, "ID", out);
            template += strlen(IMAGE);
        } else {
            fits = buffer_append(out, template ++, 1);
        }
    }
    return fits;
}

/* --- the two shapes -------------------------------------------------------------------- */

struct refusal_text {
    const struct refusal_row *row;
    struct buffer message;
    struct buffer hint;
    char code[64]; /* "409 Conflict" */
};

static bool write_json(const struct refusal_text *text, const struct refusal_context *context,
                       struct buffer *out)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s}", /* order counts */
                               "message", buffer_text(&text->message), "code", text->code, "title",
                               reply_phrase(text->row->status), "reason", text->row->name, "hint",
                               buffer_text(&text->hint), "image_id", context->image_id,
                               "request_id", context->request_id);
    char *json = object ? json_dumps(object, 0) : NULL;
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

static bool stumbles_over_json(const char *user_agent)
{
    return user_agent && strcasestr(user_agent, "glanceclient");
}

static bool write_refusal(struct reply *reply, const struct refusal_text *text,
                          const struct refusal_context *context)
{
    bool plain = stumbles_over_json(context->user_agent);
    reply->status = text->row->status;
    return headers_add(&reply->headers, "Content-Type",
                       plain ? "text/plain; charset=UTF-8" : "application/json") &&
           headers_add(&reply->headers, "X-Openstack-Request-Id", context->request_id) &&
           (plain ? write_text : write_json)(text, context, &reply->body);
}

bool reply_refuse(struct reply *reply, enum refusal refusal, const struct refusal_context *context)
{
    struct refusal_text text = {.row = refusal_row(refusal)};
    buffer_init(&text.message, SENTENCE_MAX);
    buffer_init(&text.hint, SENTENCE_MAX);
    snprintf(text.code, sizeof text.code, "%u %s", text.row->status,
             reply_phrase(text.row->status));

    reply_free(reply);
    bool made = fill_in(text.row->message, context, &text.message) &&
                fill_in(text.row->hint, context, &text.hint) &&
                write_refusal(reply, &text, context);
    if (!made)
        reply_free(reply);
    buffer_free(&text.message);
    buffer_free(&text.hint);
    return made;
}
