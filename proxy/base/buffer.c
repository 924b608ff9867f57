/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer of bytes that grows up to a limit. */
#include "intake/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_CAPACITY = 256 };

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

bool buffer_may_hold(const struct buffer *buffer, size_t count)
{
    return count <= buffer->max && buffer->len <= buffer->max - count;
}

/* Makes space for `count` more bytes and the terminating NUL. */
static bool reserve(struct buffer *buffer, size_t count)
{
    if (!buffer_may_hold(buffer, count))
        return false;
    size_t need = buffer->len + count + 1;
    if (need <= buffer->cap)
        return true;
    size_t cap = buffer->cap ? buffer->cap : MIN_CAPACITY;
    while (cap < need)
        cap *= 2;
    char *data = realloc(buffer->data, cap);
    if (!data)
        return false;
    buffer->data = data;
    buffer->cap = cap;
    return true;
}

bool buffer_append(struct buffer *buffer, const void *bytes, size_t count)
{
    if (!reserve(buffer, count))
        return false;
    if (count)
        memcpy(buffer->data + buffer->len, bytes, count);
    buffer->len += count;
    buffer->data[buffer->len] = '\0';
    return true;
}

bool buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list arguments_copy;
    va_copy(arguments_copy, arguments);
    int count = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    bool fits = count >= 0 && reserve(buffer, (size_t)count);
    if (fits) {
        vsnprintf(buffer->data + buffer->len, (size_t)count + 1, format, arguments_copy);
        buffer->len += (size_t)count;
    }
    va_end(arguments_copy);
    return fits;
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

void buffer_clear(struct buffer *buffer)
{
    buffer_drop(buffer, buffer->len);
}

void buffer_drop(struct buffer *buffer, size_t count)
{
    if (!count)
        return;
    if (count > buffer->len)
        count = buffer->len;
    buffer->len -= count;
    memmove(buffer->data, buffer->data + count, buffer->len);
    buffer->data[buffer->len] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max);
}
