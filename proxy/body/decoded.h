/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises an image that a program has read as text and written again. */
#ifndef BODY_DECODED_H
#define BODY_DECODED_H

#include <stddef.h>

/* What happened to the image, as a clause; NULL: its opening was not decoded as text. */
const char *decoded_as_text(const void *opening, size_t count);

#endif
