/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the mistakes and warnings of configuration files, each with its file and line. */
#include "intake/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A file with more errors is most likely not a configuration of this program. */
enum { DIAGNOSTICS_MAX = 500 };

/* An error must not get lost when memory is short, or a bad configuration would be accepted. The
 * first error already rejects the configuration, so only that one needs a row without malloc(). */
static char no_memory_line[] = "no memory to say what is wrong";
static char *no_memory_rows[] = {no_memory_line};

__attribute__((format(printf, 3, 0))) static char *make_line(const char *file, int line,
                                                             const char *format, va_list arguments)
{
    char *what = NULL;
    char *text = NULL;
    if (vasprintf(&what, format, arguments) < 0)
        return NULL;
    int printed = line > 0 ? asprintf(&text, "%s:%d: %s", file, line, what)
                           : asprintf(&text, "%s: %s", file, what);
    free(what);
    return printed < 0 ? NULL : text;
}

static void add_line(struct diagnostics *diagnostics, char *text)
{
    char **lines = NULL;
    if (text && diagnostics->lines != no_memory_rows)
        lines = reallocarray(diagnostics->lines, diagnostics->count + 1, sizeof *lines);
    if (lines) {
        lines[diagnostics->count++] = text;
        diagnostics->lines = lines;
        return;
    }
    free(text);
    if (diagnostics->count == 0) {
        diagnostics->lines = no_memory_rows;
        diagnostics->count = 1;
    }
}

void diagnostics_add(struct diagnostics *diagnostics, const char *file, int line,
                     const char *format, ...)
{
    if (diagnostics->count == DIAGNOSTICS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    add_line(diagnostics, make_line(file, line, format, arguments));
    va_end(arguments);
}

void diagnostics_free(struct diagnostics *diagnostics)
{
    if (diagnostics->lines != no_memory_rows) {
        for (size_t i = 0; i < diagnostics->count; i++)
            free(diagnostics->lines[i]);
        free(diagnostics->lines);
    }
    *diagnostics = (struct diagnostics){0};
}
