/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the route of a request. Every spelling that Glance would route to one of API_ROUTES must be
 * found here, or the request would bypass the policy. A path that Glance answers with 404 may pass.
 * So a doubtful path counts as a checked route, and Glance gets the canonical path.
 *
 * One spelling is let through: a POST of a form with a field _method=PUT (or PATCH). Glance answers
 * these routes with 415 if the Content-Type is that of a form. */
#include "intake/draft.h"
#include "intake/request.h"
#include "intake/tus.h"

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
    {"PUT", "/images/*/file", ROUTE_UPLOAD}, {"GET", "/images/*/file/progress", ROUTE_PROGRESS},
    {"PUT", "/images/*/stage", ROUTE_STAGE}, {"POST", "/images/*/import", ROUTE_IMPORT},
    {"PATCH", "/images/*", ROUTE_UPDATE},    {"POST", "/images/*/locations", ROUTE_LOCATIONS},
    {"POST", "/tasks", ROUTE_TASKS},
};

enum { API_ROUTE_COUNT = sizeof API_ROUTES / sizeof *API_ROUTES };

/* Requests about an upload that is held, which Glance does not have. */
static const char DATA_PATH[] = "/images/*/file";

enum spoken { BY_ALL, BY_TUS_OR_DRAFT, BY_CREATORS, BY_DRAFT_IN_PARTS };

static const struct resume_route {
    const char *method;
    enum route_kind kind;
    enum resume_verb verb;
    enum spoken spoken;
} RESUME_ROUTES[] = {
    {"HEAD", ROUTE_HELD, RESUME_TELL, BY_ALL},
    {"DELETE", ROUTE_HELD, RESUME_DROP, BY_ALL},
    {"OPTIONS", ROUTE_HELD, RESUME_DESCRIBE, BY_ALL},
    {"PATCH", ROUTE_HELD, RESUME_SEND, BY_TUS_OR_DRAFT},
    {"POST", ROUTE_CREATE, RESUME_CREATE, BY_CREATORS},
    {"PUT", ROUTE_CREATE, RESUME_CREATE, BY_DRAFT_IN_PARTS},
};

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

/* The preflight request of a browser is for Glance. */
static bool is_cors_preflight(const char *method, const struct headers *headers)
{
    return !strcmp(method, "OPTIONS") &&
           headers_count(headers, "Access-Control-Request-Method") > 0;
}

static enum resume_dialect dialect_of(const struct headers *headers)
{
    if (tus_spoken(headers))
        return RESUME_BY_TUS;
    return draft_spoken(headers) ? RESUME_BY_DRAFT : RESUME_BY_RANGE;
}

static bool speaks(const struct headers *headers, const struct resume_route *row)
{
    enum resume_dialect dialect = dialect_of(headers);
    enum draft_completeness said = draft_completeness(headers);
    switch (row->spoken) {
    case BY_TUS_OR_DRAFT:
        return dialect != RESUME_BY_RANGE;
    case BY_CREATORS:
        return dialect == RESUME_BY_TUS || (dialect == RESUME_BY_DRAFT && said != DRAFT_UNSAID);
    case BY_DRAFT_IN_PARTS:
        return dialect == RESUME_BY_DRAFT && said == DRAFT_INCOMPLETE;
    default:
        return true;
    }
}

static const struct resume_route *resume_route_find(const char *method, const char *versioned,
                                                    const struct headers *headers, struct span *id)
{
    bool was_put = !strcmp(method, "PUT");
    method = tus_method(method, headers);
    if (!api_route_matches(DATA_PATH, versioned, id) || is_cors_preflight(method, headers))
        return NULL;
    for (size_t i = 0; i < sizeof RESUME_ROUTES / sizeof *RESUME_ROUTES; i++)
        if (!strcmp(method, RESUME_ROUTES[i].method) && speaks(headers, &RESUME_ROUTES[i]) &&
            was_put == !strcmp(method, "PUT"))
            return &RESUME_ROUTES[i];
    return NULL;
}

static bool is_whole_draft(enum route_kind kind, const struct headers *headers)
{
    return kind == ROUTE_UPLOAD && dialect_of(headers) == RESUME_BY_DRAFT &&
           draft_completeness(headers) == DRAFT_COMPLETE;
}

/* --- /upload/, which Glance does not have ------------------------------------------------------
 */

static const char UPLOAD[] = "/upload";
static const char PAGE_FOLDER[] = "/upload/page/";
static const char PAGE_IMAGE[] = "/upload/page/image/";

static bool begins_with(const char *path, const char *beginning)
{
    return !strncmp(path, beginning, strlen(beginning));
}

static enum page_part page_part_of(const char *method, const char *path)
{
    bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");
    if (reads &&
        (!strcmp(path, UPLOAD) || !strcmp(path, "/upload/") || begins_with(path, PAGE_FOLDER)))
        return PAGE_FILE;
    if (strcmp(method, "POST") != 0)
        return PAGE_NONE;
    if (!strcmp(path, "/upload/page/token"))
        return PAGE_TOKEN;
    return begins_with(path, PAGE_IMAGE) ? PAGE_DESCRIBE : PAGE_NONE;
}

static bool is_new_image(const char *method, const char *path)
{
    size_t length = sizeof UPLOAD - 1;
    return (!strcmp(method, "PUT") || !strcmp(method, "POST")) && begins_with(path, UPLOAD) &&
           (!path[length] || path[length] == '/');
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
    *out = (struct route){.kind = ROUTE_RELAY, .page = page_part_of(method, target->path)};
    out->new_image = !out->page && is_new_image(method, target->path);
    if (outside_versions(target->path))
        return NULL;
    struct accept_version accept = accept_version_find(headers);
    const char *versioned = versioned_find(target->path, accept);
    if (!versioned) {
        out->kind = ROUTE_VERSIONS;
        return NULL;
    }
    struct span id;
    out->cors_preflight =
        is_cors_preflight(method, headers) && api_route_matches(DATA_PATH, versioned, &id);
    const struct resume_route *resume = resume_route_find(method, versioned, headers, &id);
    const struct api_route *row = resume ? NULL : api_route_find(method, versioned, &id);
    if (!row)
        near_miss_find(method, versioned, headers, out);
    if (!row && !resume)
        return NULL;
    const char *fault = id_fault(id);
    if (fault)
        return fault;
    out->kind = row ? row->kind : resume->kind;
    out->verb = resume ? resume->verb : 0;
    if (resume)
        out->dialect = dialect_of(headers);
    else if (is_whole_draft(row->kind, headers))
        out->dialect = RESUME_BY_DRAFT;
    out->version_by_accept = accept.named;
    memcpy(out->image_id, id.text, id.length);
    return NULL;
}

static const char *path_of(enum route_kind kind)
{
    if (kind == ROUTE_HELD || kind == ROUTE_CREATE || kind == ROUTE_NEW_IMAGE)
        return DATA_PATH;
    for (size_t i = 0; i < API_ROUTE_COUNT; i++)
        if (API_ROUTES[i].kind == kind)
            return API_ROUTES[i].path;
    return NULL;
}

char *route_canonical(const struct route *route, const struct target *target)
{
    const char *row = path_of(route->kind);
    if (!row)
        return NULL;
    int before = (int)strcspn(row, "*");
    const char *after = row[before] ? row + before + 1 : "";
    const char *query = route->kind == ROUTE_NEW_IMAGE ? NULL : target->query;
    char *canonical = NULL;
    if (asprintf(&canonical, "/v2%.*s%s%s%s%s", before, row, route->image_id, after,
                 query ? "?" : "", query ? query : "") < 0)
        canonical = NULL;
    return canonical;
}
