/* SPDX-License-Identifier: Apache-2.0 */
#include "images.h"

#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "location.h"
#include "property.h"
#include "store.h"
#include "upload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void answer_image(struct exchange *exchange, unsigned status, const json_t *image)
{
    answer_json(exchange, status, json_deep_copy(image));
}

static bool all_settable(struct exchange *exchange, json_t *properties)
{
    const char *name;
    json_t *value;
    if (!json_is_object(properties)) {
        answer_error(exchange, 400, "Malformed JSON in request body.");
        return false;
    }
    json_object_foreach(properties, name,
                        value) if (!property_settable(exchange, name, value)) return false;
    return true;
}

static void announce_created(struct exchange *exchange, const json_t *image)
{
    char stores[STORES_MAX * STORE_NAME_MAX];
    char *host = exchange_header(exchange, "Host");
    store_list(exchange->glance, stores, sizeof stores);
    answer_image(exchange, 201, image);
    answer_header(exchange, "Location", "http://%s%s", host ? host : "", image_text(image, "self"));
    answer_header(exchange, "Openstack-Image-Import-Methods", "glance-direct");
    answer_header(exchange, "Openstack-Image-Store-Ids", "%s", stores);
    free(host);
}

void image_create(struct exchange *exchange)
{
    json_t *properties = exchange_json(exchange);
    if (!properties)
        return;
    const char *id = json_string_value(json_object_get(properties, "id"));
    if (!all_settable(exchange, properties)) {
        json_decref(properties);
        return;
    }
    if (id && (image_find(exchange->glance, id) || strlen(id) != 36 || strchr(id, '/'))) {
        answer_error(exchange, 409, "Image ID %s already exists!", id);
    } else {
        const json_t *image =
            image_new(exchange->glance, id, exchange->caller->project, properties);
        if (image)
            announce_created(exchange, image);
        else
            answer_error(exchange, 413, "The number of images is over a limit");
    }
    json_decref(properties);
}

void image_show(struct exchange *exchange)
{
    const json_t *image = image_of(exchange);
    if (image)
        answer_image(exchange, 200, image);
}

json_t *image_to_change(struct exchange *exchange, const char *what)
{
    json_t *image = image_of(exchange);
    if (!image || image_owned(image, exchange->caller))
        return image;
    answer_error(exchange, 403, "You are not authorized to complete %s action.", what);
    return NULL;
}

/* {"op": "add", "path": "/name", ...}, or of the older dialect {"add": "/name", ...}. */
static bool read_operation(const json_t *operation, bool older, const char **op, const char **path)
{
    static const char *const known[] = {"add", "replace", "remove"};
    for (size_t i = 0; i < 3 && older; i++)
        if (json_object_get(operation, known[i]))
            *op = known[i];
    if (!older)
        *op = json_string_value(json_object_get(operation, "op"));
    *path = *op ? json_string_value(json_object_get(operation, older ? *op : "path")) : NULL;
    return *path && **path == '/';
}

static bool patch_one(struct exchange *exchange, json_t *image, json_t *operation, bool older)
{
    const char *op = NULL, *path = NULL;
    json_t *value = json_object_get(operation, "value");
    bool read = read_operation(operation, older, &op, &path);
    if (read && location_meant(path))
        return location_patch(exchange, image, op, value);
    if (!read || strchr(path + 1, '/') || (strcmp(op, "remove") != 0 && !value)) {
        answer_error(exchange, 400, "Operation objects must contain a method and a path.");
        return false;
    }
    const char *name = path + 1;
    bool exists = json_object_get(image, name) != NULL;
    if (strcmp(op, "add") != 0 && !exists)
        answer_error(exchange, 409, "Property %s does not exist.", name);
    else if (property_is_format(name) && !image_is(image, "queued"))
        answer_error(exchange, 403, "Attribute %s can be only replaced for a queued image.", name);
    else if (strcmp(op, "remove") == 0 && property_is_base(name))
        answer_error(exchange, 403, "Property %s may not be removed.", name);
    else if (strcmp(op, "remove") == 0)
        return json_object_del(image, name) == 0;
    else if (strcmp(name, "id") == 0)
        answer_error(exchange, 403, "Attribute 'id' is read-only.");
    else if (property_settable(exchange, name, value))
        return json_object_set(image, name, value) == 0;
    return false;
}

/* All operations or none. */
static void patch_all(struct exchange *exchange, json_t *image, json_t *operations, bool older)
{
    json_t *changed = json_deep_copy(image);
    bool good = json_is_array(operations);
    size_t i;
    json_t *operation;
    if (!good)
        answer_error(exchange, 400, "Request body must be a JSON array of operation objects.");
    json_array_foreach(operations, i, operation) good =
        good && patch_one(exchange, changed, operation, older);
    if (good) {
        image_touch(changed);
        json_object_clear(image);
        json_object_update(image, changed);
        answer_image(exchange, 200, image);
    }
    json_decref(changed);
}

void image_patch(struct exchange *exchange)
{
    static const char older[] = "application/openstack-images-v2.0-json-patch";
    static const char media[] = "application/openstack-images-v2.1-json-patch";
    bool is_older = exchange_header_is(exchange, "Content-Type", older);
    if (!is_older && !exchange_header_is(exchange, "Content-Type", media)) {
        answer_error(exchange, 415, "The request media type is not supported by this server.");
        answer_header(exchange, "Accept-Patch", "%s, %s", older, media);
        return;
    }
    json_t *image = image_to_change(exchange, "modify_image");
    json_t *operations = image ? exchange_json(exchange) : NULL;
    if (operations)
        patch_all(exchange, image, operations, is_older);
    json_decref(operations);
}

static void drop_data(const struct exchange *exchange)
{
    char path[4096];
    data_path(exchange->glance, exchange->image_id, "", path);
    unlink(path);
    data_path(exchange->glance, exchange->image_id, ".staged", path);
    unlink(path);
}

void image_delete(struct exchange *exchange)
{
    json_t *image = image_find(exchange->glance, exchange->image_id);
    if (!image || !image_visible(image, exchange->caller)) {
        answer_error(exchange, 404, "Failed to find image %s to delete", exchange->image_id);
        return;
    }
    if (!image_to_change(exchange, "delete_image"))
        return;
    if (json_is_true(json_object_get(image, "protected"))) {
        answer_error(exchange, 403, "Image %s is protected and cannot be deleted.",
                     exchange->image_id);
        return;
    }
    drop_data(exchange);
    image_remove(exchange->glance, exchange->image_id);
    answer_empty(exchange, 204);
}

static void switch_status(struct exchange *exchange, const char *what, const char *from,
                          const char *to)
{
    json_t *image = image_of(exchange);
    if (!image)
        return;
    if (!exchange->caller->admin) {
        answer_error(exchange, 403, "You are not authorized to complete %s action.", what);
    } else if (!image_is(image, from) && !image_is(image, to)) {
        answer_error(exchange, 403, "Not allowed to %s image in status '%s'", what,
                     image_text(image, "status"));
    } else {
        image_set_status(image, to);
        answer_empty(exchange, 204);
    }
}

void image_deactivate(struct exchange *exchange)
{
    switch_status(exchange, "deactivate", "active", "deactivated");
}

void image_reactivate(struct exchange *exchange)
{
    switch_status(exchange, "reactivate", "deactivated", "active");
}
