/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the store that the client asks for, as Glance would read it. */
#include "intake/buffer.h"
#include "intake/request.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* eventlet strips each value before joining them. */
static bool append_stripped(struct buffer *joined, const char *value)
{
    while (blank(*value))
        value++;
    size_t length = strlen(value);
    while (length && blank(value[length - 1]))
        length--;
    return buffer_append(joined, value, length);
}

bool requested_store(const struct headers *headers, char **requested)
{
    static const char name[] = "X-Image-Meta-Store";
    struct buffer joined;
    buffer_init(&joined, SIZE_MAX / 4);
    size_t fields = 0;
    bool ok = true;
    headers_each(row, headers)
        if (header_name_is(row->name, name))
            ok = ok && (!fields++ || buffer_append(&joined, ",", 1)) &&
                 append_stripped(&joined, row->value);
    if (!ok || !joined.len)
        buffer_free(&joined);
    *requested = joined.data;
    return ok;
}
