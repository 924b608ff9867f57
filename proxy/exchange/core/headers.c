/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that all kinds share: those of a request to Glance, and the X-Intake fields of an
 * answer. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/record.h"

#include <string.h>
#include <strings.h>

/* A password is for Keystone alone. */
static bool set_token(const struct exchange *x, struct headers *out)
{
    if (x->request.route.kind == ROUTE_NEW_IMAGE)
        headers_remove(out, "Authorization");
    return !x->token || headers_set(out, "X-Auth-Token", x->token);
}

bool headers_for_glance(const struct exchange *x, struct headers *out)
{
    const struct headers *sent = &client_head(x->client)->headers;
    if (!forward_request_headers(sent, &x->request.origin, x->request.id, out) || !via_add(out))
        return false;
    /* The path that goes to Glance has a version; Glance answers 404 if Accept has one, too. */
    if (x->request.route.version_by_accept)
        headers_remove(out, "Accept");
    return set_token(x, out);
}

/* Fields about the request's body or its answer, not about who asks. */
static const char *const NOT_FOR_QUESTIONS[] = {
    "Accept-Encoding",
    "Content-Digest",
    "Content-Encoding",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Digest",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Range",
    "Repr-Digest",
    "Tus-Resumable",
    "Upload-Complete",
    "Upload-Draft-Interop-Version",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Image-Meta-Store",
    "X-Openstack-Image-Size",
};

bool headers_for_question(const struct exchange *x, struct headers *out)
{
    if (!headers_for_glance(x, out))
        return false;
    for (size_t i = 0; i < sizeof NOT_FOR_QUESTIONS / sizeof *NOT_FOR_QUESTIONS; i++)
        headers_remove(out, NOT_FOR_QUESTIONS[i]);
    return true;
}

/* --- what a browser may read of an answer ----------------------------------------------- */

static bool is_ours(const char *name)
{
    static const char prefix[] = "X-Intake-";
    return strncasecmp(name, prefix, sizeof prefix - 1) == 0 || header_name_is(name, "Repr-Digest");
}

/* Glance lets a browser's page read its answer. A refusal gets Glance's CORS fields (cors.c). */
static bool browser_may_read(const struct exchange *x, const struct headers *out)
{
    static const char field[] = "Access-Control-Allow-Origin";
    return headers_count(out, field) > 0 ||
           (fetch_answered(&x->cors.question) &&
            headers_count(&x->cors.question.answer.headers, field) > 0);
}

/* A browser's page sees only the fields that the answer exposes. */
static bool expose(const struct exchange *x, struct headers *out)
{
    struct buffer names;
    if (!browser_may_read(x, out))
        return true;
    buffer_init(&names, 1024);
    bool good = true;
    headers_each(row, out)
        if (is_ours(row->name) && !strstr(buffer_text(&names), row->name))
            good = good && (!names.len || buffer_append(&names, ", ", 2)) &&
                   buffer_append(&names, row->name, strlen(row->name));
    good = good &&
           (!names.len || headers_add(out, "Access-Control-Expose-Headers", buffer_text(&names)));
    buffer_free(&names);
    return good;
}

/* --- what was done ----------------------------------------------------------------------- */

static bool tell_record(const struct request_record *record, struct headers *out)
{
    char fixes[64], audit[RECORD_AUDIT_TEXT];
    record_fixes_text(record->fixes, fixes);
    record_audit_text(record, audit);
    return (!record->store || headers_add(out, "X-Intake-Store", record->store)) &&
           (!record->rule || headers_add(out, "X-Intake-Rule", record->rule)) &&
           (!*fixes || headers_add(out, "X-Intake-Fixed", fixes)) &&
           (!*audit || headers_add(out, "X-Intake-Audit", audit));
}

bool headers_of_answer(const struct exchange *x, struct headers *out)
{
    if (!x->record)
        return true;
    return tell_record(x->record, out) && (!x->kind->add_headers || x->kind->add_headers(x, out)) &&
           expose(x, out);
}
