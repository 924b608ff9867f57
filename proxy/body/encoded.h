/* SPDX-License-Identifier: Apache-2.0 */
/* Is this a text that stands for the file? */
#ifndef BODY_ENCODED_H
#define BODY_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

/* "base64 text", "JSON", ...; NULL: it is none that is known, or too short to tell. */
const char *encoded_as(const char *opening, size_t count);

#endif
