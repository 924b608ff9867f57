/* SPDX-License-Identifier: Apache-2.0 */
/* Finds image data that is sent with a wrong method or to a wrong path. curl --data-binary, curl -F
 * and wget --post-file use POST. curl -T appends the file name if the URL ends with a slash. Glance
 * would read all of the data into memory, and then report malformed JSON.
 *
 * A body that is declared as JSON passes: Glance's own error is better for it. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <string.h>

/* Other resources of an image in Glance. None takes image data. */
static const char *const OTHERS[] = {"import", "actions", "locations", "members", "tags", "tasks"};

static bool is_json(const struct headers *headers)
{
    const char *type = headers_get(headers, "Content-Type");
    return type && strcasestr(type, "json");
}

static bool is_other(struct span name)
{
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (span_is(name, OTHERS[i]))
            return true;
    return false;
}

/* Reads the next segment of a path, after its slash. */
static struct span segment_next(const char **path)
{
    const char *begin = *path + (**path == '/');
    struct span segment = {begin, strcspn(begin, "/")};
    *path = begin + segment.length;
    return segment;
}

/* 8-4-4-4-12 hexadecimal digits. Anything else may be the name of a file, which curl -T appends. */
static bool is_uuid(struct span span)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    static const char digits[] = "0123456789abcdefABCDEF";
    if (span.length != sizeof pattern - 1)
        return false;
    for (size_t i = 0; i < span.length; i++)
        if (pattern[i] == 'x' ? !strchr(digits, span.text[i]) : span.text[i] != '-')
            return false;
    return true;
}

/* Whether the path is exactly that of an upload or a stage. */
static bool is_data_path(struct span name, const char *tail)
{
    return (span_is(name, "file") || span_is(name, "stage")) && !*tail;
}

static const char *fault_of(const char *method, struct span name, const char *tail)
{
    if (!strcmp(method, "PUT")) {
        if (!name.length)
            return "it came to the image itself, without /file";
        return is_data_path(name, tail) ? NULL : "it came to another path";
    }
    if (strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0)
        return NULL;
    if (!span_is(name, "file") && !span_is(name, "stage"))
        return NULL;
    return strcmp(method, "POST") ? "it came by PATCH" : "it came by POST";
}

void near_miss_find(const char *method, const char *versioned, const struct headers *headers,
                    struct route *out)
{
    static const char images[] = "/images/";
    if (strncmp(versioned, images, strlen(images)) != 0 || is_json(headers))
        return;
    const char *at = versioned + strlen(images) - 1;
    struct span id = segment_next(&at);
    struct span name = segment_next(&at);
    if (!id.length || is_other(name))
        return;
    out->missed.how = fault_of(method, name, at);
    if (!out->missed.how)
        return;
    out->missed.meant = span_is(name, "stage") ? ROUTE_STAGE : ROUTE_UPLOAD;
    out->missed.allowed = !name.length                       ? "DELETE, GET, PATCH"
                          : out->missed.meant == ROUTE_STAGE ? "PUT"
                                                             : "GET, PUT";
    if (is_uuid(id))
        memcpy(out->missed.image_id, id.text, id.length);
}
