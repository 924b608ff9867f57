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

/* True: the opening of a body is at least STRIPPED_MIN bytes long and has none of the three. */
bool stripped(const void *opening, size_t count);

#endif
