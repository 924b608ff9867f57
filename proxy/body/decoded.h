/* SPDX-License-Identifier: Apache-2.0 */
/* What a program leaves of an image that it reads as text and writes again. */
#ifndef BODY_DECODED_H
#define BODY_DECODED_H

#include <stddef.h>

/* What happened to the opening of an image, as a clause; NULL: it is not text in disguise. */
const char *decoded_as_text(const void *opening, size_t count);

#endif
