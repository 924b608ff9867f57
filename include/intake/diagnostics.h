/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the configuration: all of it, each with its file and line. */
#ifndef INTAKE_DIAGNOSTICS_H
#define INTAKE_DIAGNOSTICS_H

#include <stddef.h>

/* Zero-initialised is empty. Owns its lines ("file:line: what is wrong"). */
struct diagnostics {
    char **lines;
    size_t count;
};

/* `line` 0: the file as a whole ("file: what"). */
void diagnostics_add(struct diagnostics *diagnostics, const char *file, int line,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

void diagnostics_free(struct diagnostics *diagnostics);

#endif
