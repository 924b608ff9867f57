/* SPDX-License-Identifier: Apache-2.0 */
/* METHOD, target, then header fields. The canonical form must be read as itself, and the canonical
 * target of an ingest route must be the same route. What eventlet would route to one must be found
 * or refused. */
#include "input.h"

#include "intake/request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_door(enum route_kind kind)
{
    return kind != ROUTE_RELAY && kind != ROUTE_VERSIONS;
}

static void check_canonical(const struct target *target)
{
    struct target again;
    const char *query = strchr(target->canonical, '?');
    property(!target_parse(target->canonical, &again));
    property(!strcmp(again.path, target->path));
    property(!strcmp(again.canonical, target->canonical));
    property(!query == !target->query && (!query || target->query == query + 1));
    for (const char *at = target->canonical; *at; at++)
        property(*at > 0x20 && *at < 0x7f && *at != '#');
    target_free(&again);
}

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
        length += (size_t)sprintf(again + length, *at == '/' ? "%c" : "%%%02hhx", *at);
    struct target target;
    property(!target_parse(again, &target));
    property(!strcmp(target.path, path));
    target_free(&target);
    free(again);
}

static void check_door(const char *method, const struct route *route, const struct target *from)
{
    char *canonical = route_canonical(route, from);
    struct headers none = {0};
    struct target target;
    struct route again;
    property(canonical && !target_parse(canonical, &target));
    property(!strcmp(canonical, target.canonical));
    property(!route_find(method, &target, &none, &again));
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

static const struct ingest {
    const char *method;
    const char *pieces[4]; /* "": any */
    enum route_kind kind;
} ingest[] = {{"PUT", {"v2", "images", "", "file"}, ROUTE_UPLOAD},
              {"PUT", {"v2", "images", "", "stage"}, ROUTE_STAGE},
              {"POST", {"v2", "images", "", "import"}, ROUTE_IMPORT},
              {"PATCH", {"v2", "images", ""}, ROUTE_UPDATE},
              {"POST", {"v2", "images", "", "locations"}, ROUTE_LOCATIONS},
              {"POST", {"v2", "tasks"}, ROUTE_TASKS}};

/* How eventlet and Glance do it, as simply as possible: unquote, split at slashes, drop the empty
 * segments. The rest must match the route exactly. */
static bool eventlet_opens(const struct ingest *row, const char *raw)
{
    char *path = strndup(raw, strcspn(raw, "?"));
    property(path);
    unquote(path);
    size_t length = strlen(path);
    size_t count = 0;
    bool alike = length && path[length - 1] != '/';
    char *state = NULL;
    for (char *piece = strtok_r(path, "/", &state); piece; piece = strtok_r(NULL, "/", &state)) {
        const char *wanted = count < 4 ? row->pieces[count++] : NULL;
        alike = alike && wanted && (!*wanted || !strcmp(piece, wanted));
    }
    free(path);
    return alike && (count == 4 || !row->pieces[count]);
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
        check_canonical(&target);
        check_path(target.path);
        const char *fault = route_find(method, &target, &headers, &route);
        if (!fault && is_door(route.kind))
            check_door(method, &route, &target);
        for (size_t i = 0; i < sizeof ingest / sizeof *ingest; i++)
            if (!strcmp(method, ingest[i].method) && !headers_count(&headers, "Accept") &&
                eventlet_opens(&ingest[i], raw))
                property(fault || route.kind == ingest[i].kind);
    }
    target_free(&target);
    headers_free(&headers);
    free(text);
    return 0;
}
