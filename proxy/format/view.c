/* SPDX-License-Identifier: Apache-2.0 */
/* Reads numbers from a view. A number that is out of reach is 0, and the view notes that. */
#include "format/format_priv.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool view_has(const struct view *view, uint64_t at, uint64_t length)
{
    return at <= view->count && length <= view->count - at;
}

bool view_is(const struct view *view, uint64_t at, const void *bytes, size_t length)
{
    return view_has(view, at, length) && !memcmp(view->bytes + at, bytes, length);
}

static void get(struct view *view, size_t at, void *out, size_t length)
{
    if (view_has(view, at, length))
        memcpy(out, view->bytes + at, length);
    else
        view->out_of_bounds = true;
}

uint8_t view_u8(struct view *view, size_t at)
{
    uint8_t value = 0;
    get(view, at, &value, sizeof value);
    return value;
}

uint16_t view_be16(struct view *view, size_t at)
{
    uint16_t value = 0;
    get(view, at, &value, sizeof value);
    return be16toh(value);
}

uint32_t view_be32(struct view *view, size_t at)
{
    uint32_t value = 0;
    get(view, at, &value, sizeof value);
    return be32toh(value);
}

uint64_t view_be64(struct view *view, size_t at)
{
    uint64_t value = 0;
    get(view, at, &value, sizeof value);
    return be64toh(value);
}

uint16_t view_le16(struct view *view, size_t at)
{
    uint16_t value = 0;
    get(view, at, &value, sizeof value);
    return le16toh(value);
}

uint32_t view_le32(struct view *view, size_t at)
{
    uint32_t value = 0;
    get(view, at, &value, sizeof value);
    return le32toh(value);
}

uint64_t view_le64(struct view *view, size_t at)
{
    uint64_t value = 0;
    get(view, at, &value, sizeof value);
    return le64toh(value);
}
