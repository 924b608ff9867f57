/* SPDX-License-Identifier: Apache-2.0 */
/* GET of the upload page and of its files. They are the same for everybody, and have nothing of a
 * user's: a cache may keep them, but asks before it uses them, so that a new version of this
 * program has its own. */
#include "exchange/page/page_kinds.h"

#include "intake/client.h"
#include "intake/digest.h"
#include "intake/html.h"

#include <stdio.h>
#include <string.h>

enum { ETAG_BYTES = 16, ETAG_MAX = 2 * ETAG_BYTES + 3 };

/* --- the page --------------------------------------------------------------------------------- */

/* As a browser sees this proxy, for a command that can be copied. */
static bool put_url(const struct origin *origin, struct buffer *out)
{
    bool known = origin->host && *origin->host;
    return put_escaped(out, origin->proto) && put(out, "://") &&
           put_escaped(out, known ? origin->host : "HOST") && put_escaped(out, origin->prefix);
}

static bool write_page(const struct exchange *x, struct buffer *out)
{
    static const char mark[] = "@URL@";
    const struct page_file *page = upload_page_template();
    const char *from = page->begin, *at;
    bool good = true;
    while (good && (at = memmem(from, (size_t)(page->end - from), mark, sizeof mark - 1))) {
        good = buffer_append(out, from, (size_t)(at - from)) && put_url(&x->request.origin, out);
        from = at + sizeof mark - 1;
    }
    return good && buffer_append(out, from, (size_t)(page->end - from));
}

/* --- the answer ------------------------------------------------------------------------------- */

/* False: OpenSSL failed, or there is no memory. */
static bool make_etag(const struct buffer *body, char etag[ETAG_MAX])
{
    unsigned char value[DIGEST_MAX_BYTES];
    struct digest *digest = digest_new("sha256");
    if (!digest)
        return false;
    digest_update(digest, body->data, body->len);
    size_t size = digest_finish(digest, value);
    digest_free(digest);
    char hex[2 * ETAG_BYTES + 1];
    digest_hex(value, ETAG_BYTES, hex);
    snprintf(etag, ETAG_MAX, "\"%s\"", hex);
    return size >= ETAG_BYTES;
}

/* A proxy in front that compresses the file makes the tag a weak one. */
static bool has_it(const struct exchange *x, const char *etag)
{
    const char *known = headers_get(&client_head(x->client)->headers, "If-None-Match");
    return known && (!strcmp(known, "*") || strstr(known, etag));
}

static bool add_fields(const struct exchange *x, struct headers *out)
{
    bool good = headers_add(out, "Cache-Control", "no-cache") &&
                headers_add(out, "X-Openstack-Request-Id", x->request.id);
    for (const struct page_field *field = PAGE_FIELDS; field->name; field++)
        good = good && headers_add(out, field->name, field->value);
    return good;
}

static bool compose(const struct exchange *x, struct reply *reply)
{
    char etag[ETAG_MAX];
    const struct page_file *file = upload_page_file(x->request.target.path);
    bool written = file
                       ? buffer_append(&reply->body, file->begin, (size_t)(file->end - file->begin))
                       : write_page(x, &reply->body);
    if (!written || !make_etag(&reply->body, etag) || !add_fields(x, &reply->headers) ||
        !headers_add(&reply->headers, "ETag", etag))
        return false;
    reply->status = 200;
    if (!has_it(x, etag))
        return headers_add(&reply->headers, "Content-Type", file ? file->type : PAGE_HTML);
    reply->status = 304;
    buffer_clear(&reply->body);
    return true;
}

/* Its files are found below the path with the slash. */
static bool redirect(struct reply *reply)
{
    reply->status = 301;
    return headers_add(&reply->headers, "Location", "upload/");
}

static enum step_result answer(struct exchange *x)
{
    struct reply reply;
    reply_init(&reply);
    bool slash = strcmp(x->request.target.path, "/upload") != 0;
    if (!(slash ? compose(x, &reply) : redirect(&reply))) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}

static const struct step STEPS[] = {
    {"answer", answer},
    {NULL, NULL},
};

const struct exchange_kind PAGE_KIND = {.size = sizeof(struct exchange), .steps = STEPS};
