/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a form that come before its file (multipart/form-data, RFC 7578). */
#ifndef INTAKE_FORM_FIELDS_H
#define INTAKE_FORM_FIELDS_H

#include <stddef.h>

enum { FORM_VALUE_MAX = 64 * 1024 }; /* bytes of one field's value */

/* Each returns NULL, or what is wrong as a clause, which ends the reading. */
struct form_visitor {
    const char *(*field)(void *context, const char *name, const char *value);
    const char *(*file)(void *context, const char *filename); /* the last one */
    void *context;
};

/* Reads the beginning of a form's body up to the head of its file. `type` is its Content-Type.
 * NULL: the file was reached, and nothing is wrong. Otherwise the visitor's fault, or one of the
 * form's own, or NO_MEMORY. Names and values are as they were sent. */
const char *form_fields_read(const char *type, const char *bytes, size_t count,
                             const struct form_visitor *visitor);

#endif
