/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include "exchange.h"
#include "glance.h"
#include "property.h"

#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

json_t *image_find(const struct glance *glance, const char *id)
{
    size_t i;
    json_t *image;
    json_array_foreach(glance->images, i,
                       image) if (strcmp(image_text(image, "id"), id) == 0) return image;
    return NULL;
}

json_t *image_of(struct exchange *exchange)
{
    json_t *image = image_find(exchange->glance, exchange->image_id);
    if (image && image_visible(image, exchange->caller))
        return image;
    answer_error(exchange, 404, "No image found with ID %s", exchange->image_id);
    return NULL;
}

bool image_owned(const json_t *image, const struct principal *caller)
{
    return caller->admin || strcmp(image_text(image, "owner"), caller->project) == 0;
}

bool image_visible(const json_t *image, const struct principal *caller)
{
    const char *visibility = image_text(image, "visibility");
    return strcmp(visibility, "public") == 0 || strcmp(visibility, "community") == 0 ||
           image_owned(image, caller);
}

const char *image_text(const json_t *image, const char *property)
{
    const char *text = json_string_value(json_object_get(image, property));
    return text ? text : "";
}

void image_set_text(json_t *image, const char *property, const char *text)
{
    json_object_set_new(image, property, json_string(text));
}

void image_touch(json_t *image)
{
    char text[sizeof "2000-01-01T00:00:00Z"];
    time_t now = time(NULL);
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    image_set_text(image, "updated_at", text);
}

void image_set_status(json_t *image, const char *status)
{
    image_set_text(image, "status", status);
    image_touch(image);
}

bool image_is(const json_t *image, const char *status)
{
    return strcmp(image_text(image, "status"), status) == 0;
}

json_t *image_new(struct glance *glance, const char *id, const char *owner, json_t *properties)
{
    if (json_array_size(glance->images) >= IMAGES_MAX)
        return NULL;
    char minted[UUID_STR_LEN];
    uuid_t uuid;
    uuid_generate_random(uuid);
    uuid_unparse_lower(uuid, minted);
    if (!id)
        id = minted;
    json_t *image = json_copy(properties);
    property_defaults(image);
    image_set_text(image, "id", id);
    if (!*image_text(image, "owner"))
        image_set_text(image, "owner", owner);
    image_set_status(image, "queued");
    json_object_set(image, "created_at", json_object_get(image, "updated_at"));
    json_object_set_new(image, "self", json_sprintf("/v2/images/%s", id));
    json_object_set_new(image, "file", json_sprintf("/v2/images/%s/file", id));
    image_set_text(image, "schema", "/v2/schemas/image");
    if (json_array_append_new(glance->images, image) != 0)
        return NULL;
    return image;
}

void image_remove(struct glance *glance, const char *id)
{
    size_t i;
    json_t *image;
    json_array_foreach(glance->images, i, image) if (strcmp(image_text(image, "id"), id) == 0)
    {
        json_array_remove(glance->images, i);
        return;
    }
}
