/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises an opening from which curl -d has removed bytes. */
#include "body/stripped.h"

#include <string.h>

bool stripped(const void *opening, size_t count)
{
    return count >= STRIPPED_MIN && !memchr(opening, '\0', count) &&
           !memchr(opening, '\n', count) && !memchr(opening, '\r', count);
}
