/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises an image that was sent with curl -d.
 *
 * curl -d @FILE drops every NUL, CR and LF (older versions drop more). Glance accepts the corrupted
 * data with 204. Every real disk format has one of the three bytes in its first sectors. 4 KiB of
 * random data lack all three with a probability of 1e-21. */
#ifndef BODY_STRIPPED_H
#define BODY_STRIPPED_H

#include <stdbool.h>
#include <stddef.h>

enum { STRIPPED_MIN = 4096 };

/* True: the opening has at least STRIPPED_MIN bytes, and none of them is NUL, CR or LF. */
bool stripped(const void *opening, size_t count);

#endif
