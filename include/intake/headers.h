/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered list of header fields: repeated ones stay, in the order they came.
 *
 * Names are compared without case, and with '_' as good as '-': Glance sees both alike
 * (WSGI turns each into HTTP_X_Y), so a proxy that tells them apart can be walked around. */
#ifndef INTAKE_HEADERS_H
#define INTAKE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct header {
    char *name; /* as it was spelled */
    char *value;
};

/* Zero-initialised is empty. Owns its rows. */
struct headers {
    struct header *rows;
    size_t count;
    size_t cap;
};

#define headers_each(row, headers)                                                                 \
    for (const struct header *row = (headers)->rows;                                               \
         row && row != (headers)->rows + (headers)->count; row++)

bool header_name_is(const char *name, const char *wanted);

/* Copies both strings. False: no memory; nothing was added. */
bool headers_add(struct headers *headers, const char *name, const char *value);

/* The first one's value, or NULL. Valid until the list changes. */
const char *headers_get(const struct headers *headers, const char *name);

/* How many fields have this name, in any spelling. */
size_t headers_count(const struct headers *headers, const char *name);

/* Removes every spelling; returns how many went. */
size_t headers_remove(struct headers *headers, const char *name);

/* Removes every spelling and adds one. False: no memory. */
bool headers_set(struct headers *headers, const char *name, const char *value);

void headers_free(struct headers *headers);

#endif
