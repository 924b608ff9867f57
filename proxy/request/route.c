/* SPDX-License-Identifier: Apache-2.0 */
/* Every spelling that Glance routes to a door must be found here, or it walks around the policy;
 * one that Glance answers 404 may be let through. So whatever is in doubt is a door, and Glance is
 * sent the canonical path for it.
 *
 * One that is routed there is let through as well: a POST of a form with a field _method=PUT (or
 * PATCH). A form's Content-Type is what Glance answers 415 to at those doors, whoever sends it. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As Glance's router has them, behind the version; '*' is the image id. */
static const struct api_route {
    const char *method;
    const char *path;
    enum route_kind kind;
} API_ROUTES[] = {
    {"PUT", "/images/*/file", ROUTE_UPLOAD},          {"PUT", "/images/*/stage", ROUTE_STAGE},
    {"POST", "/images/*/import", ROUTE_IMPORT},       {"PATCH", "/images/*", ROUTE_UPDATE},
    {"POST", "/images/*/locations", ROUTE_LOCATIONS}, {"POST", "/tasks", ROUTE_TASKS},
};

enum { API_ROUTE_COUNT = sizeof API_ROUTES / sizeof *API_ROUTES };

/* These are answered before Glance looks for a version. */
static bool outside_versions(const char *path)
{
    return !strcmp(path, "*") || !strcmp(path, "/healthcheck");
}

/* What Glance routes by: the path behind its version, or all of it if Accept has the version.
 * NULL: there is no version that Glance knows, and it answers with those it has. */
static const char *versioned_find(const char *path, struct accept_version accept)
{
    struct span first = {path + 1, strcspn(path + 1, "/")};
    if (first.length == strlen("versions") && !memcmp(first.text, "versions", first.length))
        return NULL;
    if (!accept.certain && version_is_2(first))
        return first.text + first.length;
    return accept.v2 ? path : NULL;
}

/* Whether `path` is the door's, and which of its segments is the id (empty: it has none). */
static bool api_route_matches(const char *row, const char *path, struct span *id)
{
    *id = (struct span){path, 0};
    for (; *row; row++) {
        if (*row != '*') {
            if (*row != *path++)
                return false;
            continue;
        }
        *id = (struct span){path, strcspn(path, "/")};
        if (!id->length)
            return false;
        path += id->length;
    }
    return !*path;
}

static const struct api_route *api_route_find(const char *method, const char *versioned,
                                              struct span *id)
{
    for (size_t i = 0; i < API_ROUTE_COUNT; i++)
        if (!strcmp(method, API_ROUTES[i].method) &&
            api_route_matches(API_ROUTES[i].path, versioned, id))
            return &API_ROUTES[i];
    return NULL;
}

static const char *id_fault(struct span id)
{
    if (id.length > IMAGE_ID_MAX)
        return "the image id is too long";
    for (size_t i = 0; i < id.length; i++)
        if (!unreserved(id.text[i]))
            return "the image id has a character that no image id has";
    return NULL;
}

const char *route_find(const char *method, const struct target *target,
                       const struct headers *headers, struct route *out)
{
    *out = (struct route){.kind = ROUTE_RELAY};
    if (outside_versions(target->path))
        return NULL;
    struct accept_version accept = accept_version_find(headers);
    const char *versioned = versioned_find(target->path, accept);
    if (!versioned) {
        out->kind = ROUTE_VERSIONS;
        return NULL;
    }
    struct span id;
    const struct api_route *row = api_route_find(method, versioned, &id);
    if (!row) {
        near_miss_find(method, versioned, headers, out);
        return NULL;
    }
    const char *fault = id_fault(id);
    if (fault)
        return fault;
    out->kind = row->kind;
    out->version_by_accept = accept.named;
    memcpy(out->image_id, id.text, id.length);
    return NULL;
}

char *route_canonical(const struct route *route, const struct target *target)
{
    const char *row = NULL;
    for (size_t i = 0; i < API_ROUTE_COUNT; i++)
        if (API_ROUTES[i].kind == route->kind)
            row = API_ROUTES[i].path;
    if (!row)
        return NULL;
    int before = (int)strcspn(row, "*");
    const char *behind = row[before] ? row + before + 1 : "";
    char *canonical = NULL;
    if (asprintf(&canonical, "/v2%.*s%s%s%s%s", before, row, route->image_id, behind,
                 target->query ? "?" : "", target->query ? target->query : "") < 0)
        canonical = NULL;
    return canonical;
}
