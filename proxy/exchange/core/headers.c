/* SPDX-License-Identifier: Apache-2.0 */
/* The fields an upload sends on to Glance, and those that its answer gets. */
#include "exchange/core/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/digest.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char OCTETS[] = "application/octet-stream";
static const char STORE[] = "X-Image-Meta-Store";

/* Fields that are about the upload's body or its answer, not about the image asked for. */
static const char *const NOT_FOR_PREFLIGHT[] = {
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
    "X-Image-Meta-Store",
    "X-Openstack-Image-Size",
};

/* Of these, those about the bytes as the client sent them. */
static const char *const NOT_WITHOUT_THE_FORM[] = {"Content-Digest", "Content-MD5", "Digest",
                                                   "Repr-Digest"};

static void leave_out(struct headers *out, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        headers_remove(out, names[i]);
}

static bool forwarded(const struct exchange *x, struct headers *out)
{
    const struct headers *sent = &client_head(x->client)->headers;
    if (!forward_request_headers(sent, &x->request.origin, x->request.id, out) || !via_add(out))
        return false;
    /* The path that goes to Glance has a version; Glance answers 404 where both have. */
    if (x->request.route.version_by_accept)
        headers_remove(out, "Accept");
    return true;
}

bool headers_for_preflight(const struct exchange *x, struct headers *out)
{
    if (!forwarded(x, out))
        return false;
    leave_out(out, NOT_FOR_PREFLIGHT, sizeof NOT_FOR_PREFLIGHT / sizeof *NOT_FOR_PREFLIGHT);
    return true;
}

/* --- what the upload is sent with ------------------------------------------------------- */

static bool store_differs(const struct exchange *x)
{
    const char *store = x->decision.store;
    return x->request.route.kind == ROUTE_UPLOAD && store &&
           (!x->requested || strcmp(x->requested, store) != 0);
}

static bool type_differs(const struct headers *sent)
{
    return headers_count(sent, "Content-Type") != 1 ||
           strcmp(headers_get(sent, "Content-Type"), OCTETS) != 0;
}

static bool gets_length(const struct exchange *x)
{
    uint64_t length;
    return client_framing(x->client)->framing == FRAMING_CHUNKED && x->size_known &&
           body_length(x->body, &length);
}

/* What is only watched keeps what the client said of it, as far as that is still so: a form may
 * have been taken off before it was known which rule applies. */
static bool keeps_type(const struct exchange *x)
{
    return audit_only(x) && !body_unwrapped(x->body);
}

static unsigned fixes_made(const struct exchange *x)
{
    const struct headers *sent = &client_head(x->client)->headers;
    return (!audit_only(x) && store_differs(x) ? FIX_STORE : 0) |
           (!keeps_type(x) && type_differs(sent) ? FIX_CONTENT_TYPE : 0) |
           (body_unwrapped(x->body) ? FIX_MULTIPART : 0) | (gets_length(x) ? FIX_LENGTH : 0);
}

/* What would be made if the policy did not only watch. */
static unsigned fixes_wanted(const struct exchange *x)
{
    bool form = body_wrapped(x->body) && x->snapshot->settings->upload.unwrap_multipart;
    return x->head_fixes | (store_differs(x) ? FIX_STORE : 0) | (form ? FIX_MULTIPART : 0);
}

static bool says_octets(const struct headers *out)
{
    const char *type = headers_get(out, "Content-Type");
    return type && strncmp(type, OCTETS, sizeof OCTETS - 1) == 0;
}

bool headers_for_upload(struct exchange *x, struct headers *out)
{
    if (!forwarded(x, out))
        return false;
    if (body_unwrapped(x->body))
        leave_out(out, NOT_WITHOUT_THE_FORM,
                  sizeof NOT_WITHOUT_THE_FORM / sizeof *NOT_WITHOUT_THE_FORM);
    x->record->fixes = fixes_made(x);
    if (audit_only(x))
        x->record->audit_fixes = fixes_wanted(x) & ~x->record->fixes;
    else
        headers_remove(out, STORE);
    bool store = x->request.route.kind == ROUTE_UPLOAD && !audit_only(x);
    bool good = (!store || headers_add(out, STORE, x->decision.store)) &&
                (keeps_type(x) || headers_set(out, "Content-Type", OCTETS));
    x->sent_as_octets = says_octets(out);
    return good;
}

/* --- what its answer says --------------------------------------------------------------- */

/* One field per warning: "format_mismatch: declared raw, but this is qcow2". */
static bool tell_warnings(const struct exchange *x, struct headers *out)
{
    const struct body_note *rows;
    size_t count = body_warnings(x->body, &rows);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        char value[BODY_WORDS + 64];
        snprintf(value, sizeof value, "%s%s%s", refusal_row(rows[i].reason)->name,
                 rows[i].detail[0] ? ": " : "", rows[i].detail);
        good = good && headers_add(out, "X-Intake-Warning", value);
    }
    return good;
}

/* Repr-Digest (RFC 9530) of what Glance was sent, if that was hashed, and the same for the log. */
static bool tell_digest(struct exchange *x, struct headers *out)
{
    unsigned char sha512[DIGEST_MAX_BYTES];
    char hex[2 * sizeof sha512 + 1], base64[4 * ((sizeof sha512 + 2) / 3) + 1];
    char value[sizeof base64 + 16];
    size_t size;
    if (!digests_get(body_digests(x->body), "sha512", sha512, &size))
        return true;
    digest_hex(sha512, size, hex);
    digest_base64(sha512, size, base64);
    snprintf(value, sizeof value, "sha-512=:%s:", base64);
    free(x->record->sha512);
    x->record->sha512 = strdup(hex);
    return x->record->sha512 && headers_set(out, "Repr-Digest", value);
}

/* What was found out of the image afterwards. */
static bool tell_proof(struct exchange *x, struct headers *out)
{
    const struct request_record *upload = x->record;
    bool stored =
        !x->refused.reason && x->glance.answer.status / 100 == 2 && body_finished(x->body);
    return (!stored ||
            (tell_digest(x, out) && headers_add(out, "X-Intake-Verified",
                                                upload->verified[0] ? upload->verified : "no"))) &&
           (!upload->image_after[0] ||
            headers_add(out, "X-Intake-Image-Status", upload->image_after));
}

/* What was sent, and what Glance has made of it. */
static bool tell_body(struct exchange *x, struct headers *out)
{
    char bytes[24];
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)body_count(x->body));
    return headers_add(out, "X-Intake-Bytes", bytes) && tell_warnings(x, out) && tell_proof(x, out);
}

/* --- what a browser may read of it ------------------------------------------------------ */

static bool is_ours(const char *name)
{
    static const char prefix[] = "X-Intake-";
    return strncasecmp(name, prefix, sizeof prefix - 1) == 0 || header_name_is(name, "Repr-Digest");
}

/* Glance lets a browser's page read its answer; a refusal is told with Glance's own fields. */
static bool browser_may_read(const struct exchange *x, const struct headers *out)
{
    static const char field[] = "Access-Control-Allow-Origin";
    return headers_count(out, field) > 0 ||
           (fetch_answered(&x->cors.question) &&
            headers_count(&x->cors.question.answer.headers, field) > 0);
}

/* Of an answer's fields a page sees those alone that it is told it may. */
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

/* Everything that is known by now: a refusal before the policy's decision has none of it. */
bool headers_of_answer(struct exchange *x, struct headers *out)
{
    const struct request_record *upload = x->record;
    if (!upload)
        return true;
    char fixes[64], audit[RECORD_AUDIT_TEXT];
    record_fixes_text(upload->fixes, fixes);
    record_audit_text(upload, audit);
    return (!upload->store || headers_add(out, "X-Intake-Store", upload->store)) &&
           (!upload->rule || headers_add(out, "X-Intake-Rule", upload->rule)) &&
           (!*fixes || headers_add(out, "X-Intake-Fixed", fixes)) &&
           (!*audit || headers_add(out, "X-Intake-Audit", audit)) &&
           (!x->hint || headers_add(out, "X-Intake-Hint", x->hint)) &&
           (!x->body || tell_body(x, out)) && expose(x, out);
}
