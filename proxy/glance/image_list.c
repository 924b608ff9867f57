/* SPDX-License-Identifier: Apache-2.0 */
/* Finds an image in Glance's list. Glance has filtered it already; but an older one may ignore a
 * filter that it does not know, and a name that begins with "in:" is a filter of its own. */
#include "intake/image_list.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool is(const json_t *image, const char *key, const char *wanted)
{
    const char *value = json_string_value(json_object_get(image, key));
    return value && strcmp(value, wanted) == 0;
}

static bool fits(const json_t *image, const struct image_looked_for *wanted)
{
    return is(image, "status", "active") && is(image, "name", wanted->name) &&
           is(image, "owner", wanted->owner) && is(image, "os_hash_algo", wanted->os_hash_algo) &&
           is(image, "os_hash_value", wanted->os_hash_value);
}

static bool take_id(const json_t *image, char *id, size_t room)
{
    const char *value = json_string_value(json_object_get(image, "id"));
    return value && *value && (size_t)snprintf(id, room, "%s", value) < room;
}

bool image_list_find(const char *json, size_t length, const struct image_looked_for *wanted,
                     char *id, size_t room)
{
    json_t *list = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *images = json_object_get(list, "images");
    bool found = false;
    for (size_t i = 0; i < json_array_size(images) && !found; i++) {
        const json_t *image = json_array_get(images, i);
        found = fits(image, wanted) && take_id(image, id, room);
    }
    json_decref(list);
    return found;
}
