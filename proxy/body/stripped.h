/* SPDX-License-Identifier: Apache-2.0 */
/* Has somebody sent this with curl -d?
 *
 * curl -d @FILE drops every NUL, CR and LF (newer ones; older ones lose still more), and what is
 * left is a ruin that Glance stores with 204. Every real disk format has one of the three in its
 * first sectors, and 4 KiB of random data lack all of them once in 1e21 times. */
#ifndef BODY_STRIPPED_H
#define BODY_STRIPPED_H

#include <stdbool.h>
#include <stddef.h>

enum { STRIPPED_MIN = 4096 };

/* Zero-initialised at the start of a body. */
struct stripped {
    size_t seen;  /* bytes so far without any of the three */
    bool settled; /* one was found: the body is whole */
};

/* Looks at the next piece. True: 4 KiB from the start of the body had none of the three bytes. */
bool stripped_look(struct stripped *stripped, const void *bytes, size_t count);

#endif
