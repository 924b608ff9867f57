/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what Glance says it has stored with what it was sent. Does no I/O. */
#ifndef INTAKE_VERIFY_H
#define INTAKE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digests;
struct image;

enum { VERIFY_WORDS = 256 };

struct verify_expected {
    bool stage;              /* a stage: staged data has no store and no digest yet */
    uint64_t size;           /* bytes that Glance was sent */
    const char *store;       /* the store in the request; NULL: not compared */
    struct digests *digests; /* of these bytes; NULL: only the size is compared */

    /* The formats that the checks have used. Glance allows clients to change them until it has the
     * data. NULL: not compared. */
    const char *disk_format, *container_format;
};

enum verify_verdict {
    VERIFY_GOOD,
    VERIFY_WAIT,     /* the image is still `saving` or `importing`: ask again */
    VERIFY_DIFFERENT /* `why` says what differs */
};

/* `method` gets the strongest comparison: "sha512" (or Glance's other algorithm), "md5" (Glance's
 * `checksum`, if no other digest could be compared), "size", or "" if Glance reports nothing to
 * compare. `why` is a clause: "Glance has 1023 bytes, and was sent 1024". */
enum verify_verdict verify_image(const struct verify_expected *expected, const struct image *seen,
                                 char method[16], char why[VERIFY_WORDS]);

#endif
