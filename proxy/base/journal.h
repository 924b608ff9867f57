/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for the journal of systemd, with fields; for log.c, which makes them, and log_writer.c.
 *
 * Such a line begins with JOURNAL_MARK, and has its fields with a JOURNAL_SEPARATOR between two:
 * "NAME=value". It ends with its only newline. No value has one of these three characters. */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_MARK      '\x1e'
#define JOURNAL_SEPARATOR '\x1f'

/* Whether standard error goes to the journal (systemd.exec(5), JOURNAL_STREAM). */
bool journal_has_stderr(void);

/* May block while the journal is busy. False: it could not be sent. */
bool journal_send(const char *line, size_t length);

#endif
