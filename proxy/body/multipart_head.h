/* SPDX-License-Identifier: Apache-2.0 */
/* The two places in which a form describes itself in header fields: the request's Content-Type
 * (multipart_boundary() in multipart.h reads it) and the head of each part. */
#ifndef BODY_MULTIPART_HEAD_H
#define BODY_MULTIPART_HEAD_H

#include <stdbool.h>
#include <stddef.h>

enum { MULTIPART_FILENAME_MAX = 255 };

struct multipart_head {
    bool form_data;                            /* its Content-Disposition is that of a form */
    bool file;                                 /* it has a filename, be it an empty one */
    char filename[MULTIPART_FILENAME_MAX + 1]; /* printable ASCII, '?' for any other character */
};

/* Reads the head of a part: field lines, each with its CRLF. NULL: good. Otherwise the fault, as
 * multipart_fault() gives it, and `out` has what was read before. */
const char *multipart_head_read(const char *bytes, size_t count, struct multipart_head *out);

/* What a boundary may be (RFC 2046 5.1.1): 1 to 70 of its characters, the last one no blank. */
bool multipart_boundary_valid(const char *boundary);

#endif
