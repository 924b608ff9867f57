/* SPDX-License-Identifier: Apache-2.0 */
/* Finds an image in Glance's list of images. */
#ifndef INTAKE_IMAGE_LIST_H
#define INTAKE_IMAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Of an active image. Borrowed. */
struct image_looked_for {
    const char *name;
    const char *owner;
    const char *os_hash_algo;
    const char *os_hash_value;
};

/* Reads the answer to GET /v2/images. True: `id` has that of the first image that has all of these.
 * False: there is none, the list cannot be read, or its id does not fit. */
bool image_list_find(const char *json, size_t length, const struct image_looked_for *wanted,
                     char *id, size_t room);

#endif
