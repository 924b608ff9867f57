/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay_buffer.h"

#include <stdlib.h>
#include <string.h>

size_t window_full(const struct window *window)
{
    return window->end - window->start;
}

bool window_open(struct window *window)
{
    if (!window->bytes)
        window->bytes = malloc(WINDOW_SIZE);
    return window->bytes != NULL;
}

bool window_is_open(const struct window *window)
{
    return window->bytes != NULL;
}

static bool make_room(struct window *window, size_t count)
{
    if (!window->bytes || count > WINDOW_SIZE - window_full(window))
        return false;
    if (count > WINDOW_SIZE - window->end) {
        memmove(window->bytes, window->bytes + window->start, window_full(window));
        window->end -= window->start;
        window->start = 0;
    }
    return true;
}

bool window_put(struct window *window, const void *bytes, size_t count)
{
    if (!make_room(window, count))
        return false;
    memcpy(window->bytes + window->end, bytes, count);
    window->end += count;
    return true;
}

size_t window_take(struct window *window, void *into, size_t room)
{
    size_t full = window_full(window);
    size_t count = full < room ? full : room;
    if (count)
        memcpy(into, window->bytes + window->start, count);
    window->start += count;
    if (window->start == window->end)
        window->start = window->end = 0;
    return count;
}

void window_free(struct window *window)
{
    free(window->bytes);
    *window = (struct window){0};
}
