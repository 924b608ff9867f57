/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/image.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* jansson stops at 2048 levels by itself (JSON_PARSER_MAX_DEPTH), and Glance never nests past 3. */
static json_t *object_load(const char *json, size_t length)
{
    json_t *object = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* A string's copy; NULL for null, for another type and for nothing. False: no memory. */
static bool string_take(const json_t *object, const char *key, char **out)
{
    const char *value = json_string_value(json_object_get(object, key));
    *out = value ? strdup(value) : NULL;
    return !value || *out;
}

bool image_parse(const char *json, size_t length, struct image *image)
{
    *image = (struct image){0};
    json_t *object = object_load(json, length);
    if (!object)
        return false;
    const struct {
        const char *key;
        char **to;
    } fields[] = {
        {"id", &image->id},
        {"status", &image->status},
        {"disk_format", &image->disk_format},
        {"container_format", &image->container_format},
        {"owner", &image->owner},
        {"name", &image->name},
        {"visibility", &image->visibility},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ok = ok && string_take(object, fields[i].key, fields[i].to);
    json_decref(object);
    if (ok && image->status)
        return true;
    image_free(image);
    return false;
}

void image_free(struct image *image)
{
    free(image->id);
    free(image->status);
    free(image->disk_format);
    free(image->container_format);
    free(image->owner);
    free(image->name);
    free(image->visibility);
    *image = (struct image){0};
}
