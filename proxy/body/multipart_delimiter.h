/* SPDX-License-Identifier: Apache-2.0 */
/* The lines between the parts of a form (RFC 2046 5.1.1): CRLF "--" boundary, then "--", or blanks
 * and CRLF. With anything else behind the boundary it is data that looks like one. */
#ifndef BODY_MULTIPART_DELIMITER_H
#define BODY_MULTIPART_DELIMITER_H

#include "body/multipart.h"

#include <stddef.h>

enum {
    DELIMITER_MAX = 4 + MULTIPART_BOUNDARY_MAX,
    DELIMITER_PADDING_MAX = 64, /* blanks in front of the CRLF */
    DELIMITER_HOLD_MAX = DELIMITER_MAX + DELIMITER_PADDING_MAX + 1
};

struct delimiter {
    char text[DELIMITER_MAX + 1]; /* as far as the boundary goes; its one CR comes first */
    size_t length;
};

enum mark {
    MARK_NONE,
    MARK_UNDECIDED, /* more bytes will tell */
    MARK_PART,
    MARK_CLOSE
};

struct sighting {
    enum mark mark;
    size_t at;     /* it begins here, or may begin here: all in front of it is none */
    size_t behind; /* of PART: its CRLF is here, which is the head's own. Of CLOSE: the epilogue */
};

void delimiter_init(struct delimiter *delimiter, const char *boundary);

/* The first in bytes[from..count): PART, CLOSE or UNDECIDED, which with `at` == `count` means that
 * there is none. UNDECIDED leaves DELIMITER_HOLD_MAX bytes at most. */
struct sighting delimiter_hunt(const struct delimiter *delimiter, const char *bytes, size_t from,
                               size_t count);

/* Does a body that begins like this begin with one? There it has no CRLF in front. */
struct sighting delimiter_first(const struct delimiter *delimiter, const char *bytes, size_t count);

#endif
