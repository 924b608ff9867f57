/* SPDX-License-Identifier: Apache-2.0 */
/* Two servers carry Glance, and they read a path differently. eventlet unquotes it once and leaves
 * dot segments alone; uWSGI removes plain dot segments while it unquotes (so "%2e%2e" stays), lets
 * ".." take back an empty segment as well as any other, and makes something of malformed escapes.
 * Glance then drops empty segments.
 *
 *     /v2//images/x%2Fy/../../ID/file      as sent
 *     /v2//images/x/y/../../ID/file        decoded
 *     /v2//images/ID/file                  ".." resolved, empty segments counting as segments
 *     /v2/images/ID/file                   empty segments dropped
 *
 * Where the two would still differ about what is routed where, the target is refused. */
#include "intake/request.h"

#include "request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The decoded path while it grows. `segment` is where its last segment begins, just behind a
 * slash; `escaped`: an escape is part of that segment or of a slash beside it. */
struct path {
    char *text;
    size_t length;
    size_t segment;
    bool escaped;
};

static const char *characters_fault(const char *raw)
{
    if (!*raw)
        return "the request target is empty";
    for (const char *at = raw; *at; at++) {
        if (*at <= 0x20 || *at >= 0x7f)
            return "the request target has a space or a byte that is not printable ASCII";
        if (*at == '#')
            return "the request target has a fragment (#)";
    }
    return NULL;
}

/* Takes "http://HOST" off the front of an absolute form (RFC 9112 3.2.2). */
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
        return "there is no memory to read it";
    if (!host_valid(*authority))
        return "the request target names no valid host";
    *raw = begin + length;
    return NULL;
}

/* Ends the last segment, with the slash that follows it if there is one. A dot segment goes, and
 * that slash with it: the one in front stands for both (RFC 3986 5.2.4). */
static const char *segment_end(struct path *path, bool slash)
{
    const char *segment = path->text + path->segment;
    size_t length = path->length - path->segment;
    bool back = length == 2 && !memcmp(segment, "..", 2);
    bool here = length == 1 && *segment == '.';
    if ((back || here) && path->escaped)
        return "a dot segment of the path is percent-encoded";
    if (back || here)
        path->length = path->segment;
    else if (slash)
        path->text[path->length++] = '/';
    if (back && path->length > 1) {
        path->length--;
        while (path->text[path->length - 1] != '/')
            path->length--;
    }
    path->segment = path->length;
    return NULL;
}

static const char *byte_add(struct path *path, char byte, bool escaped)
{
    path->escaped = path->escaped || escaped;
    if (byte != '/') {
        path->text[path->length++] = byte;
        return NULL;
    }
    const char *fault = segment_end(path, true);
    path->escaped = escaped;
    return fault;
}

static void empty_segments_drop(struct path *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < path->length; i++)
        if (path->text[i] != '/' || !kept || path->text[kept - 1] != '/')
            path->text[kept++] = path->text[i];
    path->text[kept] = '\0';
}

/* `raw` begins with a slash and ends before '?' or at `end`; `path->text` has room for it. */
static const char *path_read(const char *raw, const char *end, struct path *path)
{
    path->text[0] = '/';
    path->length = path->segment = 1;
    const char *fault = NULL;
    for (const char *at = raw + 1; at < end && !fault; at++) {
        if (*at != '%') {
            fault = byte_add(path, *at, false);
            continue;
        }
        int byte = percent_decoded(at);
        if (byte < 0)
            return "the path has malformed percent-encoding";
        if (byte < 0x20 || byte == 0x7f)
            return "the path has a percent-encoded control character";
        fault = byte_add(path, (char)byte, true);
        at += 2;
    }
    if (!fault)
        fault = segment_end(path, false);
    if (!fault)
        empty_segments_drop(path);
    return fault;
}

/* Fills path and query from `target->raw`. */
static const char *raw_split(struct target *target)
{
    const char *end = target->raw + strcspn(target->raw, "?");
    struct path path = {.text = malloc((size_t)(end - target->raw) + 1)};
    target->path = path.text;
    if (*end)
        target->query = strdup(end + 1);
    if (!target->path || (*end && !target->query))
        return "there is no memory to read it";
    if (target->raw[0] == '*') {
        memcpy(target->path, "*", sizeof "*");
        return NULL;
    }
    return path_read(target->raw, end, &path);
}

const char *target_parse(const char *raw, struct target *out)
{
    *out = (struct target){0};
    const char *fault = characters_fault(raw);
    if (!fault)
        fault = authority_take(&raw, &out->authority);
    if (!fault) {
        bool origin_form = *raw == '/' || !strcmp(raw, "*");
        if (asprintf(&out->raw, "%s%s", origin_form ? "" : "/", raw) < 0) {
            out->raw = NULL;
            fault = "there is no memory to read it";
        } else {
            fault = raw_split(out);
        }
    }
    if (fault)
        target_free(out);
    return fault;
}

void target_free(struct target *target)
{
    free(target->raw);
    free(target->authority);
    free(target->path);
    free(target->query);
    *target = (struct target){0};
}
