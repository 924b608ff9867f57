/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload to /upload/ says of the image that it makes: in the path, in the query, in header
 * fields, and in the fields of a form that come before the file (proxy/request/new_image.c). */
#ifndef INTAKE_NEW_IMAGE_H
#define INTAKE_NEW_IMAGE_H

#include "intake/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NEW_IMAGE_NAME_MAX = 255,       /* characters, as in Glance's schema; also of a tag and a key */
    NEW_IMAGE_VALUE_MAX = 8192,     /* bytes of the value of a property */
    NEW_IMAGE_TAGS_MAX = 128,       /* Glance's default of image_tag_quota */
    NEW_IMAGE_PROPERTIES_MAX = 128, /* and of image_property_quota */
    NEW_IMAGE_FAULT_MAX = 256
};

enum min_disk {
    MIN_DISK_UNSET,
    MIN_DISK_GIVEN, /* `min_disk` GiB */
    MIN_DISK_AUTO   /* the virtual size of the disk in the data */
};

/* Zero-initialised is empty. Owns its strings; NULL: not given. All are well-formed UTF-8 without
 * control characters. */
struct new_image {
    char *name; /* of a file without its extensions, or as it was given by a key */
    char *disk_format, *container_format, *visibility;
    char *project, *domain; /* for the login */
    enum min_disk min_disk_from;
    uint64_t min_disk; /* GiB */
    char *min_ram;     /* decimal digits, MiB */
    char **tags;
    size_t tag_count;
    struct headers properties; /* names as they were given: not for headers_get() */
};

/* Sets the attribute of one key: name, disk_format, container_format, visibility, min_disk,
 * min_ram, project, domain, tag (may be repeated), or property.NAME. An empty value of another key
 * than a property is ignored, as forms send those. NULL, or what is wrong as a clause: NO_MEMORY,
 * or `fault` with the text. */
const char *new_image_set(struct new_image *image, const char *key, const char *value,
                          char fault[NEW_IMAGE_FAULT_MAX]);

/* Names the image after a file: without folders, and without the extensions of packed files and of
 * disk formats ("cirros.qcow2.xz" is "cirros"). A name that was set is kept. Errors as above. */
const char *new_image_name_file(struct new_image *image, const char *file,
                                char fault[NEW_IMAGE_FAULT_MAX]);

/* Reads the decoded path, which is /upload/NAME or /upload/page/image/NAME, and the query (NULL:
 * none). A '+' in the query is a blank, as in forms. Errors as above. */
const char *new_image_read_target(struct new_image *image, const char *path, const char *query,
                                  char fault[NEW_IMAGE_FAULT_MAX]);

/* Reads the fields X-Image-Meta-Property-NAME. NAME gets small letters, and '_' for '-', as
 * Glance's first API had it. Errors as above. */
const char *new_image_read_headers(struct new_image *image, const struct headers *headers,
                                   char fault[NEW_IMAGE_FAULT_MAX]);

void new_image_free(struct new_image *image);

#endif
