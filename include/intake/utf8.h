/* SPDX-License-Identifier: Apache-2.0 */
/* Cleans untrusted text so that it can be shown in a log line, in JSON, or on a page. */
#ifndef INTAKE_UTF8_H
#define INTAKE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buffer;

/* Returns the length in bytes of the printable character at `text`. It must be well-formed UTF-8
 * (RFC 3629), not a control character (C0, DEL, C1), and not one that changes how others are shown
 * (U+2028 ends a line, U+202E reverses the writing direction, ...). 0: it is not, or the string has
 * ended. */
size_t utf8_printable(const char *text);

/* Appends `text`, with U+FFFD for each byte that is not part of a printable character. False: it
 * does not fit, or no memory. */
bool utf8_clean(const char *text, struct buffer *out);

/* Writes `text` as the log does: \n for a line feed, and \xNN for each other byte that is not part
 * of a printable character. A character of `keep` is written unchanged. */
void utf8_show(const char *text, const char *keep, FILE *out);

#endif
