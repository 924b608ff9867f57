/* SPDX-License-Identifier: Apache-2.0 */
/* Writes text and numbers into HTML, for the pages of this program. Each function appends, and
 * returns false if there is no memory or the buffer is full. */
#ifndef INTAKE_HTML_H
#define INTAKE_HTML_H

#include <stdbool.h>

struct buffer;

bool put(struct buffer *out, const char *html);         /* as it is */
bool put_escaped(struct buffer *out, const char *text); /* any text: it is shown, not read */
bool put_bytes(struct buffer *out, double bytes);       /* "300.0 MiB" */
bool put_duration(struct buffer *out, double seconds);  /* "2 min 05 s" */

#endif
