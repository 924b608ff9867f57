/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that Glance gets with an upload, and the X-Intake fields about its body. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/digest.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <string.h>

static const char OCTETS[] = "application/octet-stream";
static const char STORE[] = "X-Image-Meta-Store";

/* Fields about the bytes as the client sent them: with the form around them, and compressed. */
static const char *const ABOUT_THE_BODY[] = {"Content-Digest", "Content-MD5", "Digest",
                                             "Repr-Digest"};

/* --- what the upload is sent with ------------------------------------------------------- */

/* Data that is staged has no store yet: Glance ignores the field there. */
static bool has_store(const struct upload_flow *upload)
{
    return upload->x.request.route.kind != ROUTE_STAGE;
}

static bool store_differs(const struct upload_flow *upload)
{
    const char *store = upload->check.decision.store;
    const char *requested = upload->check.requested_store;
    return has_store(upload) && store && (!requested || strcmp(requested, store) != 0);
}

/* The protocol of a creation in parts says which type its data is sent with, and /upload/ takes any
 * type. */
static bool type_differs(const struct upload_flow *upload)
{
    if (upload_makes_image(upload))
        return false;
    if (upload->creation.wanted)
        return upload->head.fixes & FIX_CONTENT_TYPE;
    const struct headers *sent = &client_head(upload->x.client)->headers;
    return headers_count(sent, "Content-Type") != 1 ||
           strcmp(headers_get(sent, "Content-Type"), OCTETS) != 0;
}

static bool gets_length(const struct upload_flow *upload)
{
    uint64_t length;
    return upload_framing(upload) == FRAMING_CHUNKED && upload->size.known &&
           body_length(upload->body, &length);
}

/* In audit mode the client's type is kept as far as it is still true. A form may have been
 * unwrapped before the rule was known. */
static bool keeps_type(const struct upload_flow *upload)
{
    return audit_only(&upload->x) && !body_unwrapped(upload->body) &&
           !body_decompressed(upload->body) && !upload_makes_image(upload);
}

unsigned upload_fixes(const struct upload_flow *upload)
{
    bool store = !audit_only(&upload->x) && store_differs(upload);
    bool type = !keeps_type(upload) && type_differs(upload);
    return (store ? FIX_STORE : 0) | (type ? FIX_CONTENT_TYPE : 0) |
           (body_unwrapped(upload->body) ? FIX_MULTIPART : 0) |
           (gets_length(upload) ? FIX_LENGTH : 0) |
           (body_decompressed(upload->body) ? FIX_COMPRESSED : 0);
}

unsigned upload_audit_fixes(const struct upload_flow *upload)
{
    bool form = body_wrapped(upload->body) && upload->x.snapshot->settings->upload.unwrap_multipart;
    return upload->head.fixes | (store_differs(upload) ? FIX_STORE : 0) |
           (form ? FIX_MULTIPART : 0) | (body_left_compressed(upload->body) ? FIX_COMPRESSED : 0);
}

bool upload_sends_octets(const struct headers *out)
{
    const char *type = headers_get(out, "Content-Type");
    return type && strncmp(type, OCTETS, sizeof OCTETS - 1) == 0;
}

/* The client that created the upload may have left: the newest one sends it. False: no memory. */
static bool client_fields(const struct upload_flow *upload, struct headers *out)
{
    bool good = true;
    if (!upload->creation.wanted)
        return headers_for_glance(&upload->x, out);
    headers_each(row, &upload->check.fields)
        good = good && headers_add(out, row->name, row->value);
    return good;
}

bool upload_headers(const struct upload_flow *upload, struct headers *out)
{
    const struct exchange *x = &upload->x;
    if (!client_fields(upload, out))
        return false;
    if (body_unwrapped(upload->body) || body_decompressed(upload->body))
        for (size_t i = 0; i < sizeof ABOUT_THE_BODY / sizeof *ABOUT_THE_BODY; i++)
            headers_remove(out, ABOUT_THE_BODY[i]);
    if (body_decompressed(upload->body))
        headers_remove(out,
                       "X-Openstack-Image-Size"); /* the client may have meant the data it sent */
    if (!audit_only(x))
        headers_remove(out, STORE);
    bool store = has_store(upload) && !audit_only(x);
    return (!store || headers_add(out, STORE, upload->check.decision.store)) &&
           (keeps_type(upload) || headers_set(out, "Content-Type", OCTETS));
}

/* --- what its answer says --------------------------------------------------------------- */

/* One field per warning: "format_mismatch: declared raw, but this is qcow2". */
static bool tell_warnings(const struct body *body, struct headers *out)
{
    const struct body_note *rows;
    size_t count = body_warnings(body, &rows);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        char value[BODY_WORDS + 64];
        snprintf(value, sizeof value, "%s%s%s", refusal_row(rows[i].reason)->name,
                 rows[i].detail[0] ? ": " : "", rows[i].detail);
        good = good && headers_add(out, "X-Intake-Warning", value);
    }
    return good;
}

/* Repr-Digest (RFC 9530) of what Glance was sent, if that was hashed. */
static bool tell_digest(struct body *body, struct headers *out)
{
    unsigned char sha512[DIGEST_MAX_BYTES];
    char base64[4 * ((sizeof sha512 + 2) / 3) + 1];
    char value[sizeof base64 + 16];
    size_t size;
    if (!digests_get(body_digests(body), "sha512", sha512, &size))
        return true;
    digest_base64(sha512, size, base64);
    snprintf(value, sizeof value, "sha-512=:%s:", base64);
    return headers_set(out, "Repr-Digest", value);
}

bool upload_is_stored(const struct upload_flow *upload)
{
    const struct exchange *x = &upload->x;
    return !x->refused.reason && x->glance.answer.status / 100 == 2 && body_finished(upload->body);
}

/* What Glance was asked afterwards. */
static bool tell_verification(const struct upload_flow *upload, struct headers *out)
{
    const struct request_record *record = upload->x.record;
    const char *verified = record->verified[0] ? record->verified : "no";
    bool good = !upload_is_stored(upload) ||
                (tell_digest(upload->body, out) && headers_add(out, "X-Intake-Verified", verified));
    return good && (!record->image_after[0] || upload_makes_image(upload) ||
                    headers_add(out, "X-Intake-Image-Status", record->image_after));
}

static bool tell_body(const struct upload_flow *upload, struct headers *out)
{
    char bytes[24];
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)body_count(upload->body));
    return headers_add(out, "X-Intake-Bytes", bytes) && tell_warnings(upload->body, out) &&
           tell_verification(upload, out);
}

bool upload_add_headers(const struct exchange *x, struct headers *out)
{
    const struct upload_flow *upload = (const struct upload_flow *)x;
    const char *hint = upload->outcome.hint;
    return (!hint || headers_add(out, "X-Intake-Hint", hint)) &&
           (!upload->body || tell_body(upload, out));
}
