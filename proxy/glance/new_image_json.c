/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the JSON with which Glance creates an image. A property is a member beside Glance's own
 * attributes; new_image.h lets none have the name of one. */
#include "intake/new_image_json.h"

#include "intake/buffer.h"
#include "intake/new_image.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Takes over `value`. NULL: no memory. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return value && json_object_set_new(object, key, value) == 0;
}

static bool set_text(json_t *object, const char *key, const char *value)
{
    return !value || set(object, key, json_string(value));
}

static bool set_tags(json_t *object, const struct new_image *image)
{
    json_t *tags = json_array();
    bool good = tags != NULL;
    for (size_t i = 0; i < image->tag_count && good; i++)
        good = json_array_append_new(tags, json_string(image->tags[i])) == 0;
    if (!good || image->tag_count == 0) {
        json_decref(tags);
        return good;
    }
    return set(object, "tags", tags);
}

static bool set_properties(json_t *object, const struct new_image *image)
{
    bool good = true;
    headers_each(row, &image->properties)
        good = good && set_text(object, row->name, row->value);
    return good;
}

static bool fill(json_t *object, const struct new_image *image, const struct new_image_facts *facts)
{
    return set_properties(object, image) && set_text(object, "id", facts->id) &&
           set_text(object, "name", image->name) &&
           set_text(object, "disk_format", facts->disk_format) &&
           set_text(object, "container_format", facts->container_format) &&
           set_text(object, "visibility", image->visibility) &&
           (!facts->has_min_disk ||
            set(object, "min_disk", json_integer((json_int_t)facts->min_disk))) &&
           (!image->min_ram || set(object, "min_ram", json_integer(atoll(image->min_ram)))) &&
           set_tags(object, image);
}

bool new_image_json(const struct new_image *image, const struct new_image_facts *facts,
                    struct buffer *out)
{
    json_t *object = json_object();
    char *text = object && fill(object, image, facts) ? json_dumps(object, JSON_COMPACT) : NULL;
    bool written = text && buffer_append(out, text, strlen(text));
    free(text);
    json_decref(object);
    return written;
}
