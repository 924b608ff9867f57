/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Content-Range of a request. */
#include "intake/content_range.h"

#include "intake/headers.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static const char NAME[] = "Content-Range";

/* Moves `*text` past the number and the character after it. */
static bool read_number(const char **text, char after, uint64_t *out)
{
    char *end = NULL;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(*text, &end, 10);
    if (errno || value > INT64_MAX || *end != after)
        return false;
    *out = value;
    *text = after ? end + 1 : end;
    return true;
}

const char *content_range_read(const struct headers *headers, uint64_t length,
                               struct content_range *out)
{
    *out = (struct content_range){0};
    const char *text = headers_get(headers, NAME);
    if (!text)
        return NULL;
    if (headers_count(headers, NAME) > 1 || strncasecmp(text, "bytes ", 6) != 0)
        return "its Content-Range is not one range of bytes";
    text += 6;
    if (!read_number(&text, '-', &out->first) || !read_number(&text, '/', &out->last) ||
        !read_number(&text, '\0', &out->total))
        return "its Content-Range is not FIRST-LAST/TOTAL";
    if (out->first > out->last || out->last >= out->total)
        return "its Content-Range is not within its total";
    if (out->last - out->first + 1 != length)
        return "its Content-Range does not have the bytes of its Content-Length";
    out->present = true;
    return NULL;
}
