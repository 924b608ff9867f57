/* SPDX-License-Identifier: Apache-2.0 */
/* The preflight request of a browser whose page goes on with uploads. Glance's configuration says
 * which origins may, but its list of fields has none of tus or of the draft. So Glance is asked
 * without these, and they are added to what it allows. */
#include "exchange/resume/resume_steps.h"

#include "intake/buffer.h"
#include "intake/client.h"

#include <string.h>

static const char REQUESTED_FIELDS[] = "Access-Control-Request-Headers";
static const char REQUESTED_METHOD[] = "Access-Control-Request-Method";
static const char ALLOWED_ORIGIN[] = "Access-Control-Allow-Origin";
static const char ALLOWED_FIELDS[] = "Access-Control-Allow-Headers";

enum { FIELDS_MAX = 8192, ANSWER_MS = 10000 };

static const char *const OURS[] = {
    "Content-Range",       "Tus-Resumable",
    "Upload-Complete",     "Upload-Draft-Interop-Version",
    "Upload-Defer-Length", "Upload-Length",
    "Upload-Metadata",     "Upload-Offset",
    "Repr-Digest",         "X-HTTP-Method-Override",
};

enum { OURS_COUNT = sizeof OURS / sizeof *OURS };

/* --- the question --------------------------------------------------------------------------- */

static bool is_ours(const char *name, size_t length)
{
    for (size_t i = 0; i < OURS_COUNT; i++)
        if (strlen(OURS[i]) == length && strncasecmp(OURS[i], name, length) == 0)
            return true;
    return false;
}

static bool append_name(struct buffer *list, const char *name, size_t length)
{
    return (!list->len || buffer_append(list, ", ", 2)) && buffer_append(list, name, length);
}

/* The names of the list that Glance may know. False: no memory, or the list is too long. */
static bool keep_others(const char *names, struct buffer *out)
{
    static const char between[] = ", \t";
    for (names += strspn(names, between); *names; names += strspn(names, between)) {
        size_t length = strcspn(names, between);
        if (!is_ours(names, length) && !append_name(out, names, length))
            return false;
        names += length;
    }
    return true;
}

static bool without_ours(struct headers *fields)
{
    const char *names = headers_get(fields, REQUESTED_FIELDS);
    struct buffer others;
    if (!names)
        return true;
    buffer_init(&others, FIELDS_MAX);
    bool good = keep_others(names, &others);
    headers_remove(fields, REQUESTED_FIELDS);
    good = good && (!others.len || headers_add(fields, REQUESTED_FIELDS, buffer_text(&others)));
    buffer_free(&others);
    return good;
}

/* Glance's list of methods need not have HEAD, which a browser allows everywhere. */
static bool without_head(struct headers *fields)
{
    const char *method = headers_get(fields, REQUESTED_METHOD);
    return !method || strcmp(method, "HEAD") != 0 || headers_set(fields, REQUESTED_METHOD, "GET");
}

static const struct upstream_callbacks QUESTION = {
    .head = glance_head, .data = glance_collect, .done = glance_over};

static enum step_result ask(struct exchange *x)
{
    struct headers fields = {0};
    const struct upstream_request request = {.method = "OPTIONS",
                                             .target = x->request.target.canonical,
                                             .headers = &fields,
                                             .timeout = ANSWER_MS};
    bool begun = headers_for_glance(x, &fields) && without_ours(&fields) && without_head(&fields) &&
                 glance_ask(x, &request, &QUESTION);
    headers_free(&fields);
    return begun ? STEP_WAIT : exchange_no_memory(x);
}

/* --- the answer ----------------------------------------------------------------------------- */

/* Glance may send the field twice. */
static bool allow_ours(struct headers *fields)
{
    struct buffer names;
    bool good = true;
    if (!headers_get(fields, ALLOWED_ORIGIN))
        return true;
    buffer_init(&names, FIELDS_MAX);
    headers_each(row, fields)
        if (header_name_is(row->name, ALLOWED_FIELDS))
            good = good && append_name(&names, row->value, strlen(row->value));
    for (size_t i = 0; i < OURS_COUNT; i++)
        good = good && append_name(&names, OURS[i], strlen(OURS[i]));
    good = good && headers_set(fields, ALLOWED_FIELDS, buffer_text(&names));
    buffer_free(&names);
    return good;
}

static enum step_result pass(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply))
        return exchange_no_memory(x);
    if (!allow_ours(&reply.headers)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result ask_glance(struct exchange *x)
{
    if (x->entering)
        return ask(x);
    if (!x->glance.over)
        return STEP_WAIT;
    bool answered = x->glance.result == TRANSFER_ANSWERED && x->glance.fault == ANSWER_WHOLE;
    return answered ? pass(x) : glance_refuse(x, x->glance.result, x->glance.fault);
}

static const struct step STEPS[] = {
    {"forward", ask_glance},
    {NULL, NULL},
};

const struct exchange_kind CORS_PREFLIGHT_KIND = {.size = sizeof(struct exchange), .steps = STEPS};
