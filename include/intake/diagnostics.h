/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all errors in the configuration, each with its file and line. */
#ifndef INTAKE_DIAGNOSTICS_H
#define INTAKE_DIAGNOSTICS_H

#include <stddef.h>

/* Zero-initialised is empty. Owns its lines ("file:line: message"). */
struct diagnostics {
    char **lines;
    size_t count;
};

/* `line` 0: the error concerns the whole file ("file: message"). If memory is short, the message
 * may be lost; `count` is at least 1 then. */
void diagnostics_add(struct diagnostics *diagnostics, const char *file, int line,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

void diagnostics_free(struct diagnostics *diagnostics);

#endif
