/* SPDX-License-Identifier: Apache-2.0 */
/* The fields an upload sends on to Glance, and those that its answer gets. */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/digest.h"
#include "intake/upload.h"

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
    if (!forward_request_headers(&client_head(x->client)->headers, &x->origin, x->request_id, out))
        return false;
    /* The path that goes to Glance has a version; Glance answers 404 where both have. */
    if (x->route.version_by_accept)
        headers_remove(out, "Accept");
    return true;
}

bool fields_for_preflight(const struct exchange *x, struct headers *out)
{
    if (!forwarded(x, out))
        return false;
    leave_out(out, NOT_FOR_PREFLIGHT, sizeof NOT_FOR_PREFLIGHT / sizeof *NOT_FOR_PREFLIGHT);
    return true;
}

/* One field per warning: "format_mismatch: declared raw, but this is qcow2". */
static bool tell_warnings(const struct exchange *x, struct headers *out)
{
    const struct body_warning *rows;
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

static void note_fix(struct exchange *x, enum upload_fix fix, bool done)
{
    if (done)
        x->upload->fixes |= fix;
}

bool fields_for_upload(struct exchange *x, struct headers *out)
{
    const struct headers *sent = &client_head(x->client)->headers;
    const char *type = headers_get(sent, "Content-Type");
    bool store = x->route.kind == ROUTE_UPLOAD;
    bool store_changed = store && (!x->wish || strcmp(x->wish, x->decision.store) != 0);
    bool type_changed = headers_count(sent, "Content-Type") != 1 || strcmp(type, OCTETS) != 0;
    if (!forwarded(x, out))
        return false;
    headers_remove(out, STORE);
    if (body_unwrapped(x->body))
        leave_out(out, NOT_WITHOUT_THE_FORM,
                  sizeof NOT_WITHOUT_THE_FORM / sizeof *NOT_WITHOUT_THE_FORM);
    note_fix(x, FIX_STORE, store_changed);
    note_fix(x, FIX_CONTENT_TYPE, type_changed);
    note_fix(x, FIX_MULTIPART, body_unwrapped(x->body));
    note_fix(x, FIX_LENGTH, client_framing(x->client)->framing == FRAMING_CHUNKED && x->size_known);
    return (!store || headers_add(out, STORE, x->decision.store)) &&
           headers_set(out, "Content-Type", OCTETS);
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
    free(x->upload->sha512);
    x->upload->sha512 = strdup(hex);
    return x->upload->sha512 && headers_set(out, "Repr-Digest", value);
}

/* What was found out of the image afterwards. */
static bool tell_proof(struct exchange *x, struct headers *out)
{
    const struct upload *upload = x->upload;
    bool stored = !x->refusal && x->answer.status / 100 == 2 && body_finished(x->body);
    return (!stored ||
            (tell_digest(x, out) && headers_add(out, "X-Intake-Verified",
                                                upload->verified[0] ? upload->verified : "no"))) &&
           (!upload->image_after[0] ||
            headers_add(out, "X-Intake-Image-Status", upload->image_after));
}

/* Everything that is known by now: a refusal before the policy's decision has none of it. */
bool fields_of_answer(struct exchange *x, struct headers *out)
{
    const struct upload *upload = x->upload;
    if (!upload)
        return true;
    char fixes[64];
    upload_fixes_text(upload->fixes, fixes);
    bool good = (!upload->store || headers_add(out, "X-Intake-Store", upload->store)) &&
                (!upload->rule || headers_add(out, "X-Intake-Rule", upload->rule)) &&
                (!*fixes || headers_add(out, "X-Intake-Fixed", fixes));
    if (!good || !x->body)
        return good;
    char bytes[24];
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)body_count(x->body));
    return headers_add(out, "X-Intake-Bytes", bytes) && tell_warnings(x, out) && tell_proof(x, out);
}
