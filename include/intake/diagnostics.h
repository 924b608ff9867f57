/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the configuration: all of it, each with its file and line. */
#ifndef INTAKE_DIAGNOSTICS_H
#define INTAKE_DIAGNOSTICS_H

#include <stddef.h>

/* Zero-initialised is empty. Owns its lines ("file:line: what is wrong"). */
struct problems {
    char **lines;
    size_t count;
};

/* `line` 0: the file as a whole ("file: what"). */
void problems_add(struct problems *problems, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void problems_free(struct problems *problems);

#endif
