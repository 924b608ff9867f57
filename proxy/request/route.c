/* SPDX-License-Identifier: Apache-2.0 */
/* Every spelling that Glance routes to an upload must be found here, or it walks around the
 * policy; one that Glance answers 404 may be let through. So whatever is in doubt is an upload,
 * and Glance is sent the canonical path for it. */
#include "intake/request.h"

#include "request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct door {
    const char *name;
    enum route_kind kind;
} DOORS[] = {{"file", ROUTE_UPLOAD}, {"stage", ROUTE_STAGE}};

enum { DOOR_COUNT = sizeof DOORS / sizeof *DOORS };

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

/* "/images/{id}/file" or "/stage"; NULL: something else. */
static const struct door *door_find(const char *versioned, struct span *id)
{
    static const char images[] = "/images/";
    if (strncmp(versioned, images, sizeof images - 1) != 0)
        return NULL;
    id->text = versioned + sizeof images - 1;
    id->length = strcspn(id->text, "/");
    const char *name = id->text + id->length;
    for (size_t i = 0; i < DOOR_COUNT; i++)
        if (id->length && *name && !strcmp(name + 1, DOORS[i].name))
            return &DOORS[i];
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
    const struct door *door = door_find(versioned, &id);
    if (!door || (strcmp(method, "PUT") != 0 && !override_is_put(target->query)))
        return NULL;
    const char *fault = id_fault(id);
    if (fault)
        return fault;
    out->kind = door->kind;
    out->version_by_accept = accept.named;
    memcpy(out->image_id, id.text, id.length);
    return NULL;
}

char *route_canonical(const struct route *route, const struct target *target)
{
    const char *name = NULL;
    for (size_t i = 0; i < DOOR_COUNT; i++)
        if (DOORS[i].kind == route->kind)
            name = DOORS[i].name;
    char *query = override_removed(target->query ? target->query : "");
    char *canonical = NULL;
    if (!name || !query ||
        asprintf(&canonical, "/v2/images/%s/%s%s%s", route->image_id, name, *query ? "?" : "",
                 query) < 0)
        canonical = NULL;
    free(query);
    return canonical;
}
