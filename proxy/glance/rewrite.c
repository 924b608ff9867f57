/* SPDX-License-Identifier: Apache-2.0 */
/* Rewrites the absolute URLs in Glance's answers. */
#include "intake/rewrite.h"

#include "intake/buffer.h"
#include "intake/request.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- a URL in its parts ---------------------------------------------------------------- */

struct url {
    const char *port; /* the scheme's default port: ":80" or ":443" */
    const char *authority;
    size_t authority_length;
    const char *rest; /* "/v2/images/..." or "" */
};

/* Splits an absolute http or https URL. False: it is not one. */
static bool url_read(const char *text, struct url *url)
{
    bool secure = !strncasecmp(text, "https://", 8);
    if (!secure && strncasecmp(text, "http://", 7) != 0)
        return false;
    url->port = secure ? ":443" : ":80";
    url->authority = text + (secure ? 8 : 7);
    url->authority_length = strcspn(url->authority, "/?#");
    url->rest = url->authority + url->authority_length;
    return true;
}

/* The length of the authority without the scheme's default port. */
static size_t authority_significant(const struct url *url)
{
    size_t port = strlen(url->port);
    size_t length = url->authority_length;
    bool redundant = length > port && !memcmp(url->authority + length - port, url->port, port);
    return redundant ? length - port : length;
}

static bool same_authority(const struct url *one, const struct url *other)
{
    size_t length = authority_significant(one);
    return length == authority_significant(other) &&
           !strncasecmp(one->authority, other->authority, length);
}

/* --- version documents ----------------------------------------------------------------- */

/* "/v2/" of "http://127.0.0.1:9393/image/v2/". NULL: there is no such segment. */
static const char *last_segment(const char *href)
{
    struct url url;
    if (!url_read(href, &url) || !*url.rest)
        return NULL;
    const char *end = url.rest + strlen(url.rest);
    const char *at = end - (end[-1] == '/');
    while (at > url.rest && *--at != '/')
        ;
    return at[0] == '/' && at[1] && at[1] != '/' ? at : NULL;
}

/* Rewrites one link. `changed` is set if the URL is a different one now. False: no memory. */
static bool rewrite_link(json_t *link, const struct origin *seen, bool *changed)
{
    const char *rel = json_string_value(json_object_get(link, "rel"));
    const char *href = json_string_value(json_object_get(link, "href"));
    const char *segment = rel && href && !strcmp(rel, "self") ? last_segment(href) : NULL;
    if (!segment)
        return true;
    json_t *rewritten = json_sprintf("%s://%s%s%s", seen->proto, seen->host, seen->prefix, segment);
    if (!rewritten)
        return false;
    *changed = *changed || strcmp(json_string_value(rewritten), href) != 0;
    return json_object_set_new(link, "href", rewritten) == 0;
}

static bool rewrite_links(json_t *document, const struct origin *seen, bool *changed)
{
    size_t i;
    size_t j;
    json_t *version;
    json_t *link;
    json_array_foreach(json_object_get(document, "versions"), i, version)
    {
        json_array_foreach(json_object_get(version, "links"), j, link)
        {
            if (!rewrite_link(link, seen, changed))
                return false;
        }
    }
    return true;
}

bool rewrite_versions(const char *json, size_t length, const struct origin *seen,
                      struct buffer *out)
{
    if (!*seen->host)
        return false;
    json_t *document = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    bool changed = false;
    bool ok = rewrite_links(document, seen, &changed) && changed;
    char *text = ok ? json_dumps(document, JSON_ENSURE_ASCII) : NULL;
    ok = text && buffer_append(out, text, strlen(text));
    free(text);
    json_decref(document);
    return ok;
}

/* --- Location -------------------------------------------------------------------------- */

/* True: the URL's authority is the Host that was sent to Glance, or an endpoint of Glance. */
static bool is_glance(const struct url *url, const struct origin *seen,
                      const char *const *endpoints, size_t endpoint_count)
{
    struct url sent = {url->port, seen->host, strlen(seen->host), ""};
    if (same_authority(url, &sent))
        return true;
    for (size_t i = 0; i < endpoint_count; i++) {
        struct url endpoint;
        if (url_read(endpoints[i], &endpoint) && same_authority(url, &endpoint))
            return true;
    }
    return false;
}

/* Removes the prefix, which Glance may have added already because of X-Forwarded-Prefix. */
static const char *without_prefix(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    bool present = !strncmp(path, prefix, length) && strchr("/?#", path[length]);
    return present ? path + length : path;
}

bool rewrite_location(const char *location, const struct origin *seen, const char *const *endpoints,
                      size_t endpoint_count, struct buffer *out)
{
    struct url url;
    if (!*seen->host || !url_read(location, &url) ||
        !is_glance(&url, seen, endpoints, endpoint_count))
        return false;
    struct buffer rewritten;
    buffer_init(&rewritten, out->max);
    bool changed = buffer_print(&rewritten, "%s://%s%s%s", seen->proto, seen->host, seen->prefix,
                                without_prefix(url.rest, seen->prefix)) &&
                   strcmp(buffer_text(&rewritten), location) != 0 &&
                   buffer_append(out, rewritten.data, rewritten.len);
    buffer_free(&rewritten);
    return changed;
}
