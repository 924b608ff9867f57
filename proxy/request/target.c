/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the request target. Glance runs in eventlet or uWSGI, and these read a path differently.
 * eventlet decodes it once and keeps dot segments. uWSGI removes plain dot segments while decoding,
 * and accepts malformed escapes. Glance then drops empty segments. A target that the two would read
 * differently is refused. All others are decoded once and encoded again for Glance:
 *
 *     /v2//images%2FID/fil%65      as sent
 *     /v2/images/ID/file           path
 *     /v2/images/ID/file           canonical: "/v2/images/ID/file" and the query */
#include "intake/request.h"

#include "intake/buffer.h"
#include "intake/memory.h"
#include "request/request_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether Python's str.split() splits here. eventlet splits the request line so, as Latin-1. */
static bool blank(unsigned char c)
{
    return c == ' ' || c == 0x85 || c == 0xa0;
}

static const char *characters_fault(const char *raw)
{
    if (!*raw)
        return "the request target is empty";
    for (const char *at = raw; *at; at++) {
        if (blank((unsigned char)*at) || iscntrl((unsigned char)*at))
            return "the request target has a blank or a control character";
        if (*at == '#')
            return "the request target has a fragment (#)";
    }
    return NULL;
}

/* Cuts "http://HOST" off an absolute form (RFC 9112 3.2.2). */
static const char *authority_take(const char **raw, char **authority)
{
    const char *begin = *raw;
    if (!strncasecmp(begin, "http://", 7))
        begin += 7;
    else if (!strncasecmp(begin, "https://", 8))
        begin += 8;
    else
        return NULL;
    size_t length = strcspn(begin, "/?");
    *authority = strndup(begin, length);
    if (!*authority)
        return NO_MEMORY;
    if (!host_valid(*authority))
        return "the request target names no valid host";
    *raw = begin + length;
    return NULL;
}

/* Finds "." and "..". `path` is decoded, so this includes encoded ones. */
static const char *segments_fault(const char *path)
{
    for (const char *segment = path; *segment == '/'; segment += strcspn(segment, "/")) {
        segment++;
        size_t length = strcspn(segment, "/");
        if ((length == 1 && *segment == '.') || (length == 2 && !memcmp(segment, "..", 2)))
            return "the path has a dot segment";
    }
    return NULL;
}

static void empty_segments_drop(char *path)
{
    char *kept = path;
    for (const char *at = path; *at; at++)
        if (*at != '/' || kept == path || kept[-1] != '/')
            *kept++ = *at;
    *kept = '\0';
}

/* Decodes `raw` up to `end` to `path`, which must be large enough. */
static const char *path_read(const char *raw, const char *end, char *path)
{
    for (const char *at = raw; at < end; at++) {
        int byte = (unsigned char)*at;
        if (*at == '%') {
            byte = percent_decoded(at);
            if (byte < 0)
                return "the path has malformed percent-encoding";
            if (byte < 0x20 || byte == 0x7f)
                return "the path has a percent-encoded control character";
            at += 2;
        }
        *path++ = (char)byte;
    }
    *path = '\0';
    return NULL;
}

/* Characters of a path that need no encoding (pchar and "/", RFC 3986 3.3). */
static bool plain_in_path(char c)
{
    return unreserved(c) || strchr("!$&'()*+,;=:@/", c);
}

/* Glance interprets the query, so only non-ASCII bytes are encoded. */
static bool plain_in_query(char c)
{
    return (unsigned char)c < 0x80;
}

static bool append_encoded(struct buffer *out, const char *text, bool (*plain)(char))
{
    bool good = true;
    while (good && *text) {
        size_t run = 0;
        while (text[run] && plain(text[run]))
            run++;
        good = buffer_append(out, text, run);
        for (text += run; good && *text && !plain(*text); text++)
            good = buffer_print(out, "%%%02X", (unsigned char)*text);
    }
    return good;
}

/* `query` begins with its '?', or is "". */
static char *canonical_write(const char *path, const char *query)
{
    struct buffer out;
    buffer_init(&out, 3 * (strlen(path) + strlen(query)));
    if (!append_encoded(&out, path, plain_in_path) || !append_encoded(&out, query, plain_in_query))
        buffer_free(&out);
    return out.data;
}

/* `raw` begins with a slash, or is "*". */
static const char *parts_read(const char *raw, struct target *target)
{
    const char *query = raw + strcspn(raw, "?");
    target->path = malloc((size_t)(query - raw) + 1);
    if (!target->path)
        return NO_MEMORY;
    const char *fault = path_read(raw, query, target->path);
    if (fault)
        return fault;
    empty_segments_drop(target->path);
    fault = segments_fault(target->path);
    if (!fault && *query && override_named(query + 1))
        fault = "the query has a field _method, which would change what is asked";
    target->canonical = fault ? NULL : canonical_write(target->path, query);
    if (!fault && !target->canonical)
        fault = NO_MEMORY;
    if (!fault && *query)
        target->query = strchr(target->canonical, '?') + 1;
    return fault;
}

const char *target_parse(const char *raw, struct target *out)
{
    *out = (struct target){0};
    char *rooted = NULL;
    const char *fault = characters_fault(raw);
    if (!fault)
        fault = authority_take(&raw, &out->authority);
    if (!fault) {
        bool origin_form = *raw == '/' || !strcmp(raw, "*");
        if (asprintf(&rooted, "%s%s", origin_form ? "" : "/", raw) < 0)
            rooted = NULL;
        fault = rooted ? parts_read(rooted, out) : NO_MEMORY;
    }
    free(rooted);
    if (fault)
        target_free(out);
    return fault;
}

void target_free(struct target *target)
{
    free(target->authority);
    free(target->path);
    free(target->canonical);
    *target = (struct target){0};
}
