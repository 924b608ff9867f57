/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a refusal where the upload makes its own image (/upload/). */
#ifndef REPLY_NEW_IMAGE_H
#define REPLY_NEW_IMAGE_H

#include "intake/refusal.h"

/* With the placeholders of hints.c. */
struct refusal_words {
    const char *message;
    const char *hint;
};

/* NULL: those of the table of refusals fit. */
const struct refusal_words *words_for_new_image(enum refusal refusal);

#endif
