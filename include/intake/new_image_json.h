/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON with which an image is created (POST /v2/images). */
#ifndef INTAKE_NEW_IMAGE_JSON_H
#define INTAKE_NEW_IMAGE_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct new_image;

/* What the image's own words do not say. Borrowed. */
struct new_image_facts {
    const char *id; /* a UUID, so that the image can be deleted whatever becomes of the answer */
    const char *disk_format;
    const char *container_format;
    bool has_min_disk;
    uint64_t min_disk; /* GiB */
};

/* Appends the JSON to `out`. False: no memory, or `out` is full. */
bool new_image_json(const struct new_image *image, const struct new_image_facts *facts,
                    struct buffer *out);

#endif
