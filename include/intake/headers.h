/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered list of header fields. Repeated fields keep their order.
 *
 * Names are compared without case, and '_' equals '-'. Glance cannot tell the two apart (WSGI turns
 * each into HTTP_X_Y), so a proxy that can tell them apart can be bypassed.
 *
 * Fields that are removed or freed are overwritten: they may be passwords or tokens. */
#ifndef INTAKE_HEADERS_H
#define INTAKE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct header {
    char *name; /* as the sender spelled it; owns the memory of `value`, too */
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

/* The value of the first field with this name, or NULL. Borrowed; valid until the list changes. */
const char *headers_get(const struct headers *headers, const char *name);

/* The number of fields with this name, in any spelling. */
size_t headers_count(const struct headers *headers, const char *name);

/* Removes all fields with this name, in any spelling. Returns how many were removed. */
size_t headers_remove(struct headers *headers, const char *name);

/* Replaces all fields with this name, in any spelling. False: no memory; they are removed. */
bool headers_set(struct headers *headers, const char *name, const char *value);

void headers_free(struct headers *headers);

#endif
