/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range of a request that sends a part of a file (RFC 9110 14.4 and 14.5), as curl -C sends
 * it: "bytes 100-999/1000". */
#ifndef INTAKE_CONTENT_RANGE_H
#define INTAKE_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct headers;

struct content_range {
    bool present;
    uint64_t first, last; /* places of bytes, from 0 */
    uint64_t total;       /* of the whole file; more than `last` */
};

/* Returns NULL and sets `out`, or returns what is wrong as a clause. `length` is the
 * Content-Length, which must be that of the range. A total that is not known ("*") is wrong, too.
 */
const char *content_range_read(const struct headers *headers, uint64_t length,
                               struct content_range *out);

#endif
