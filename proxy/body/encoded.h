/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises a file that was sent in a text encoding. */
#ifndef BODY_ENCODED_H
#define BODY_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

/* "base64 text", "JSON", ... NULL: no known encoding, or `count` is too small to tell. */
const char *encoded_as(const char *opening, size_t count);

#endif
