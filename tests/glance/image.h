/* SPDX-License-Identifier: Apache-2.0 */
/* The images: JSON objects as clients get them, in glance->images. Every function here wants
 * glance->lock held; an image is borrowed from the list and valid as long as that. */
#ifndef SMALL_GLANCE_IMAGE_H
#define SMALL_GLANCE_IMAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct glance;
struct principal;

/* NULL: no such image. */
json_t *image_find(const struct glance *glance, const char *id);

/* The image of the request's path, if the caller may see it; otherwise answered with 404. */
json_t *image_of(struct exchange *exchange);

bool image_visible(const json_t *image, const struct principal *caller);
bool image_owned(const json_t *image, const struct principal *caller);

/* A new image of these properties (checked), queued; NULL: no room. Stays in the list. */
json_t *image_new(struct glance *glance, const char *id, const char *owner, json_t *properties);
void image_remove(struct glance *glance, const char *id);

/* A string property; "" where it is null or unset. */
const char *image_text(const json_t *image, const char *property);
void image_set_text(json_t *image, const char *property, const char *text);
void image_set_status(json_t *image, const char *status);
bool image_is(const json_t *image, const char *status);

/* Now is when it was last changed. */
void image_touch(json_t *image);

#endif
