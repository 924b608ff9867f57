/* SPDX-License-Identifier: Apache-2.0 */
/* METHOD, target, then header fields: a path is in its canonical form; an upload's canonical
 * target is the same upload; and what eventlet would route to an upload is one, or is refused. */
#include "input.h"

#include "intake/request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path once more, as a target with every byte but the slashes escaped where it may be. */
static void check_path(const char *path)
{
    if (!strcmp(path, "*"))
        return;
    property(*path == '/' && !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
    char *again = calloc(3, strlen(path) + 1);
    property(again);
    size_t length = 0;
    for (const char *at = path; *at; at++)
        length += (size_t)sprintf(
            again + length, isalnum((unsigned char)*at) || strchr("/.", *at) ? "%c" : "%%%02hhx",
            *at);
    struct target target;
    property(!target_parse(again, &target));
    property(!strcmp(target.path, path));
    target_free(&target);
    free(again);
}

static void check_upload(const struct route *route, const struct target *from)
{
    char *canonical = route_canonical(route, from);
    struct headers none = {0};
    struct target target;
    struct route again;
    property(canonical && !target_parse(canonical, &target));
    property(!strcmp(canonical, target.raw));
    property(!route_find("PUT", &target, &none, &again));
    property(again.kind == route->kind && !strcmp(again.image_id, route->image_id));
    target_free(&target);
    free(canonical);
}

static void unquote(char *text)
{
    char *to = text;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            property(sscanf(text + 1, "%2hhx", &byte) == 1);
            text += 2;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
}

/* eventlet's and Glance's way, told as simply as can be: unquote, split at slashes, forget the
 * empty pieces; four are left, and nothing follows the last one. */
static bool eventlet_uploads(const char *raw)
{
    char *path = strndup(raw, strcspn(raw, "?"));
    property(path);
    unquote(path);
    size_t length = strlen(path);
    static const char *const wanted[] = {"v2", "images", NULL, "file"};
    size_t count = 0;
    bool alike = length && path[length - 1] != '/';
    char *state = NULL;
    for (char *piece = strtok_r(path, "/", &state); piece; piece = strtok_r(NULL, "/", &state)) {
        alike = alike && count < 4 && (!wanted[count] || !strcmp(piece, wanted[count]));
        count++;
    }
    free(path);
    return alike && count == 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    char *at = text;
    const char *method = input_line(&at);
    const char *raw = input_line(&at);
    struct headers headers = {0};
    struct target target;
    struct route route;
    input_headers(&at, &headers);
    if (!target_parse(raw, &target)) {
        check_path(target.path);
        const char *fault = route_find(method, &target, &headers, &route);
        bool upload = !fault && (route.kind == ROUTE_UPLOAD || route.kind == ROUTE_STAGE);
        if (upload)
            check_upload(&route, &target);
        if (!strcmp(method, "PUT") && !headers_count(&headers, "Accept") && eventlet_uploads(raw))
            property(upload || fault || strstr(raw, "/.")); /* no image has the id "." */
    }
    target_free(&target);
    headers_free(&headers);
    free(text);
    return 0;
}
