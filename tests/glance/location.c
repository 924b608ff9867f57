/* SPDX-License-Identifier: Apache-2.0 */
/* A client that may set a location decides where an image's data comes from: the image is active at
 * once, without any data sent. */
#include "location.h"

#include "exchange.h"
#include "image.h"
#include "images.h"

#include <string.h>

static const char BLANKS[] = " \t\n\v\f\r";

bool location_meant(const char *pointer)
{
    static const char name[] = "locations";
    const char *first = pointer + strspn(pointer, "/");
    first += strspn(first, BLANKS);
    if (strncmp(first, name, strlen(name)) != 0)
        return false;
    const char *behind = first + strlen(name);
    behind += strspn(behind, BLANKS);
    return !*behind || *behind == '/';
}

static bool is_location(const json_t *value)
{
    return json_is_string(json_object_get(value, "url")) &&
           json_is_object(json_object_get(value, "metadata"));
}

static void point_at(json_t *image, const json_t *location)
{
    json_t *locations = json_object_get(image, "locations");
    if (!locations) {
        locations = json_array();
        json_object_set_new(image, "locations", locations);
    }
    json_array_append_new(locations, json_deep_copy(location));
    json_object_set(image, "stores",
                    json_object_get(json_object_get(location, "metadata"), "store"));
    image_set_status(image, "active");
}

bool location_patch(struct exchange *exchange, json_t *image, const char *op, const json_t *value)
{
    bool one = strcmp(op, "add") == 0 && is_location(value);
    bool list = strcmp(op, "replace") == 0 && is_location(json_array_get(value, 0));
    if (one || list)
        point_at(image, one ? value : json_array_get(value, 0));
    else if (strcmp(op, "remove") == 0)
        json_object_del(image, "locations");
    else
        answer_error(exchange, 400, "Invalid location");
    return !exchange->answer.status;
}

void location_add(struct exchange *exchange)
{
    json_t *image = image_to_change(exchange, "add_image_location");
    json_t *body = image ? exchange_json(exchange) : NULL;
    const char *url = json_string_value(json_object_get(body, "url"));
    if (url) {
        json_t *location = json_pack("{s:s, s:{}}", "url", url, "metadata");
        point_at(image, location);
        json_decref(location);
        answer_empty(exchange, 202);
    } else if (body) {
        answer_error(exchange, 400, "Invalid location");
    }
    json_decref(body);
}
