/* SPDX-License-Identifier: Apache-2.0 */
#include "download.h"
#include "exchange.h"
#include "fault.h"
#include "images.h"
#include "info.h"
#include "location.h"
#include "property.h"
#include "route.h"
#include "store.h"
#include "task.h"
#include "upload.h"

#include <stdio.h>
#include <string.h>

/* The first that fits counts. */
static const struct route routes[] = {
    {"options", "OPTIONS", "*", NULL, options_any, ROUTE_OPEN},
    {"faults-put", "PUT", "small-glance/faults", NULL, faults_put, ROUTE_OPEN},
    {"faults-clear", "DELETE", "small-glance/faults", NULL, faults_clear, ROUTE_OPEN},
    {"stores-put", "PUT", "small-glance/stores", NULL, stores_put, ROUTE_OPEN},
    {"limits-put", "PUT", "small-glance/limits", NULL, limits_put, ROUTE_OPEN},
    {"health", "GET", "healthcheck", NULL, health_get, ROUTE_OPEN},
    {"health", "HEAD", "healthcheck", NULL, health_head, ROUTE_OPEN},
    {"versions", "GET", "versions", NULL, versions_known, ROUTE_OPEN},
    {"version", "GET", "v2", NULL, version_redirect, 0},
    {"create", "POST", "v2/images", NULL, image_create, 0},
    {"list", "GET", "v2/images", NULL, image_list, 0},
    {"show", "GET", "v2/images/{id}", NULL, image_show, 0},
    {"patch", "PATCH", "v2/images/{id}", NULL, image_patch, 0},
    {"delete", "DELETE", "v2/images/{id}", NULL, image_delete, 0},
    {"upload", "PUT", "v2/images/{id}/file", upload_begin, upload_finish, 0},
    {"download", "GET", "v2/images/{id}/file", NULL, download_finish, ROUTE_SENDS},
    {"stage", "PUT", "v2/images/{id}/stage", stage_begin, stage_finish, 0},
    {"import", "POST", "v2/images/{id}/import", NULL, image_import, 0},
    {"locations", "POST", "v2/images/{id}/locations", NULL, location_add, 0},
    {"task", "POST", "v2/tasks", NULL, task_create, 0},
    {"deactivate", "POST", "v2/images/{id}/actions/deactivate", NULL, image_deactivate, 0},
    {"reactivate", "POST", "v2/images/{id}/actions/reactivate", NULL, image_reactivate, 0},
    {"stores", "GET", "v2/info/stores", NULL, info_stores, 0},
    {"usage", "GET", "v2/info/usage", NULL, info_usage, 0},
    {"schema", "GET", "v2/schemas/image", NULL, schema_image, 0},
};

static const size_t route_count = sizeof routes / sizeof routes[0];

/* Paths of the API that no row has; every other path has no version. */
static const struct route unknown_resource = {.name = "unknown"};
static const struct route no_version = {
    .name = "versions", .finish = versions_unknown, .traits = ROUTE_OPEN};

static bool path_fits(const struct exchange *exchange, const char *pattern)
{
    size_t i = 0;
    if (strcmp(pattern, "*") == 0)
        return true;
    for (const char *part = pattern; *part; i++) {
        size_t length = strcspn(part, "/");
        if (i >= exchange->segment_count || i >= SEGMENTS_MAX)
            return false;
        const char *segment = exchange->segments[i];
        bool any = strncmp(part, "{id}", length) == 0 && *segment;
        if (!any && (strlen(segment) != length || strncmp(part, segment, length) != 0))
            return false;
        part += length + (part[length] == '/');
    }
    return i == exchange->segment_count;
}

static void note_image(struct exchange *exchange)
{
    bool has_id = exchange->segment_count >= 3 && strcmp(exchange->segments[0], "v2") == 0 &&
                  strcmp(exchange->segments[1], "images") == 0;
    exchange->image_id = has_id ? exchange->segments[2] : "";
}

/* The methods of the rows that have this path; "": none has. */
static void list_methods(const struct exchange *exchange, char *methods, size_t size)
{
    size_t used = 0;
    methods[0] = '\0';
    for (size_t i = 0; i < route_count && used < size; i++)
        if (strcmp(routes[i].pattern, "*") != 0 && path_fits(exchange, routes[i].pattern))
            used += (size_t)snprintf(methods + used, size - used, "%s%s", used ? ", " : "",
                                     routes[i].method);
}

static void refuse(struct exchange *exchange)
{
    char methods[128];
    list_methods(exchange, methods, sizeof methods);
    if (*methods) {
        answer_error(exchange, 405, "The method %s is not allowed for this resource.",
                     exchange->method);
        answer_header(exchange, "Allow", "%s", methods);
    } else {
        answer_error(exchange, 404, "The resource could not be found.");
    }
}

void route_find(struct exchange *exchange)
{
    const char *first = exchange->segment_count ? exchange->segments[0] : "";
    note_image(exchange);
    for (size_t i = 0; i < route_count && !exchange->route; i++)
        if (strcmp(routes[i].method, exchange->method) == 0 &&
            path_fits(exchange, routes[i].pattern))
            exchange->route = &routes[i];
    if (!exchange->route && strcmp(first, "v2") != 0 && strcmp(first, "healthcheck") != 0 &&
        strcmp(first, "small-glance") != 0)
        exchange->route = &no_version;
    if (exchange->route)
        return;
    exchange->route = &unknown_resource;
    refuse(exchange);
}
