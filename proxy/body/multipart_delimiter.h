/* SPDX-License-Identifier: Apache-2.0 */
/* The delimiters between the parts of a form (RFC 2046 5.1.1): CRLF "--" boundary, then "--", or
 * blanks and CRLF. If anything else follows the boundary, it is data and not a delimiter. */
#ifndef BODY_MULTIPART_DELIMITER_H
#define BODY_MULTIPART_DELIMITER_H

#include "body/multipart.h"

#include <stddef.h>

enum {
    DELIMITER_MAX = 4 + MULTIPART_BOUNDARY_MAX,
    DELIMITER_PADDING_MAX = 64, /* blanks before the CRLF */
    DELIMITER_HOLD_MAX = DELIMITER_MAX + DELIMITER_PADDING_MAX + 1
};

struct delimiter {
    char text[DELIMITER_MAX + 1]; /* CRLF "--" boundary */
    size_t length;
};

enum mark {
    MARK_NONE,
    MARK_UNDECIDED, /* more bytes are needed */
    MARK_PART,
    MARK_CLOSE
};

struct sighting {
    enum mark mark;
    size_t at;     /* the delimiter begins here, or may begin here, and not before */
    size_t behind; /* PART: position of its CRLF, where the head begins. CLOSE: of the epilogue */
};

void delimiter_init(struct delimiter *delimiter, const char *boundary);

/* Finds the first delimiter in bytes[from..count). Returns PART, CLOSE or UNDECIDED. UNDECIDED with
 * `at` == `count`: there is none. With UNDECIDED at most DELIMITER_HOLD_MAX bytes follow `at`. */
struct sighting delimiter_find(const struct delimiter *delimiter, const char *bytes, size_t from,
                               size_t count);

/* Whether the body begins with a delimiter. At the beginning of a body it has no CRLF before it. */
struct sighting delimiter_at_start(const struct delimiter *delimiter, const char *bytes,
                                   size_t count);

#endif
