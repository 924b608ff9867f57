/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the header fields that describe a form: the request's Content-Type (for that see
 * multipart_boundary() in multipart.h), and the head of each part. */
#ifndef BODY_MULTIPART_HEAD_H
#define BODY_MULTIPART_HEAD_H

#include <stdbool.h>
#include <stddef.h>

enum { MULTIPART_FILENAME_MAX = 255 };

struct multipart_head {
    bool form_data;                            /* the part has a form's Content-Disposition */
    bool file;                                 /* it has a filename, which may be empty */
    char filename[MULTIPART_FILENAME_MAX + 1]; /* printable ASCII, '?' for any other character */
    char sent_filename[MULTIPART_FILENAME_MAX + 1]; /* as it was sent, in whatever encoding */
    char name[MULTIPART_FILENAME_MAX + 1];          /* of the field; as it was sent; "": none */
};

/* Reads the head of a part: field lines, each with its CRLF. NULL: valid. Otherwise the fault, as
 * for multipart_fault(), and `out` has what was read before the fault. */
const char *multipart_head_read(const char *bytes, size_t count, struct multipart_head *out);

/* True: a valid boundary (RFC 2046 5.1.1): 1 to 70 allowed characters, and no blank at the end. */
bool multipart_boundary_valid(const char *boundary);

#endif
