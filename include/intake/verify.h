/* SPDX-License-Identifier: Apache-2.0 */
/* Is what Glance says it has stored what it was sent? A pure comparison. */
#ifndef INTAKE_VERIFY_H
#define INTAKE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digests;
struct image;

enum { VERIFY_WORDS = 256 };

struct verify_expected {
    bool stage;              /* staged data has no store and no digest yet */
    uint64_t size;           /* bytes handed over */
    const char *store;       /* asked for; NULL: not compared */
    struct digests *digests; /* of those bytes; NULL: only the size is compared */

    /* What the image was judged by. Glance lets them be changed until it has the data. NULL: not
     * compared. */
    const char *disk_format, *container_format;
};

enum verify_verdict {
    VERIFY_GOOD,
    VERIFY_WAIT,     /* the image is still `saving`: ask again */
    VERIFY_DIFFERENT /* `why` says what differs */
};

/* `method` gets what was compared at best: "sha512" (or whatever Glance hashes with), "md5" (its
 * `checksum`, where it reports no other), "size", or "" where Glance reports nothing to compare.
 * `why` is a clause: "Glance has 1023 bytes, and was sent 1024". */
enum verify_verdict verify_image(const struct verify_expected *expected, const struct image *seen,
                                 char method[16], char why[VERIFY_WORDS]);

#endif
