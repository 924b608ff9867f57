/* SPDX-License-Identifier: Apache-2.0 */
/* What Glance says of an image: the facts the pre-flight judges by. */
#ifndef INTAKE_IMAGE_H
#define INTAKE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Strings are owned by the struct; NULL where Glance's JSON has null or nothing. */
struct image {
    char *id;
    char *status;
    char *disk_format;
    char *container_format;
    char *owner;
    char *name;
    char *visibility;
};

/* Reads the answer to GET /v2/images/{id}. False: not a JSON object with a "status" string
 * (or repeated keys, or nested too deeply); `image` is then empty. */
bool image_parse(const char *json, size_t length, struct image *image);

void image_free(struct image *image);

#endif
