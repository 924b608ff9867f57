/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises a disk image whose line ends a program has converted, as if it were a text:
 * - LF made CR LF: every line feed comes after a carriage return. In other data that is one of 256.
 * - CR LF made LF: no line feed comes after a carriage return, although there are thousands.
 *
 * Data that consists of text files can look like this and be intact. So the counts are evidence
 * only if the length is wrong, too: a disk image has whole sectors, and a conversion changes the
 * length by any number of bytes. */
#ifndef BODY_LINE_ENDS_H
#define BODY_LINE_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: no byte was counted yet. */
struct line_ends {
    uint64_t feeds;
    uint64_t pairs; /* feeds after a carriage return */
    bool after_return;
};

/* Whether a body of `length` bytes with this declaration has an odd length, so that its line ends
 * should be counted. The formats are not NULL. */
bool line_ends_suspected(const char *disk_format, const char *container_format, uint64_t length);

/* Counts the next bytes of the body. */
void line_ends_add(struct line_ends *ends, const void *bytes, size_t count);

/* All bytes were counted. A clause that says what was done to them. NULL: no sign of a conversion.
 */
const char *line_ends_converted(const struct line_ends *ends);

#endif
