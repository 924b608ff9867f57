/* SPDX-License-Identifier: Apache-2.0 */
/* Text of unknown origin, made fit to be shown: in a log line, in JSON, in a page. */
#ifndef INTAKE_UTF8_H
#define INTAKE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buffer;

/* How many bytes the character at `text` has, if it is well-formed UTF-8 (RFC 3629) and neither a
 * control character (C0, DEL, C1) nor one that changes how others are shown (U+2028, which ends a
 * line, U+202E, which turns it round, ...); 0 otherwise, and at the end of the string. */
size_t utf8_printable(const char *text);

/* Appends `text` with U+FFFD for each byte that is not part of a printable character. False:
 * it does not fit. */
bool utf8_clean(const char *text, struct buffer *out);

/* Writes `text` with \xNN, as the log does, for each byte that is not part of a printable
 * character, and \n for a line feed; a character of `keep` is written as it is. */
void utf8_show(const char *text, const char *keep, FILE *out);

#endif
