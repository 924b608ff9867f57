/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the route of a request. Every spelling that Glance would route to one of API_ROUTES must be
 * found here, or the request would bypass the policy. A path that Glance answers with 404 may pass.
 * So a doubtful path counts as a checked route, and Glance gets the canonical path.
 *
 * One spelling is let through: a POST of a form with a field _method=PUT (or PATCH). Glance answers
 * these routes with 415 if the Content-Type is that of a form. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The checked routes as in Glance's router, without the version. '*' is the image id. */
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

/* Glance answers these before it looks for a version. */
static bool outside_versions(const char *path)
{
    return !strcmp(path, "*") || !strcmp(path, "/healthcheck");
}

/* Returns the path that Glance routes by: after the version, or the whole path if Accept has the
 * version. NULL: no known version; Glance answers with a list of its versions. */
static const char *versioned_find(const char *path, struct accept_version accept)
{
    struct span first = {path + 1, strcspn(path + 1, "/")};
    if (first.length == strlen("versions") && !memcmp(first.text, "versions", first.length))
        return NULL;
    if (!accept.certain && version_is_2(first))
        return first.text + first.length;
    return accept.v2 ? path : NULL;
}

/* Whether `path` matches the row. Sets `id` to the segment of the image id (empty: the row has
 * none). */
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
    const char *after = row[before] ? row + before + 1 : "";
    char *canonical = NULL;
    if (asprintf(&canonical, "/v2%.*s%s%s%s%s", before, row, route->image_id, after,
                 target->query ? "?" : "", target->query ? target->query : "") < 0)
        canonical = NULL;
    return canonical;
}
