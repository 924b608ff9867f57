/* SPDX-License-Identifier: Apache-2.0 */
#include "body/stripped.h"

#include <string.h>

static bool has_any(const void *bytes, size_t count)
{
    return memchr(bytes, '\0', count) || memchr(bytes, '\n', count) || memchr(bytes, '\r', count);
}

bool stripped_look(struct stripped *stripped, const void *bytes, size_t count)
{
    if (stripped->settled || !count)
        return false;
    size_t rest = STRIPPED_MIN - stripped->seen;
    size_t look = count < rest ? count : rest;
    if (has_any(bytes, look)) {
        stripped->settled = true;
        return false;
    }
    stripped->seen += look;
    return stripped->seen == STRIPPED_MIN;
}
