/* SPDX-License-Identifier: Apache-2.0 */
/* A FIFO of bytes of fixed size, between an answer of Glance and a client. */
#include "net/relay_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The invariant of relay_buffer.h. Each function asserts it first. */
__attribute__((unused)) /* without assertions */
static bool
sane(const struct relay_buffer *relay_buffer)
{
    return relay_buffer->start <= relay_buffer->end && relay_buffer->end <= RELAY_BUFFER_SIZE &&
           (relay_buffer->start < relay_buffer->end || relay_buffer->start == 0) &&
           (relay_buffer->bytes || relay_buffer->end == 0);
}

size_t relay_buffer_full(const struct relay_buffer *relay_buffer)
{
    assert(sane(relay_buffer));
    return relay_buffer->end - relay_buffer->start;
}

bool relay_buffer_open(struct relay_buffer *relay_buffer)
{
    assert(sane(relay_buffer));
    if (!relay_buffer->bytes)
        relay_buffer->bytes = malloc(RELAY_BUFFER_SIZE);
    return relay_buffer->bytes != NULL;
}

bool relay_buffer_is_open(const struct relay_buffer *relay_buffer)
{
    assert(sane(relay_buffer));
    return relay_buffer->bytes != NULL;
}

static bool make_space(struct relay_buffer *relay_buffer, size_t count)
{
    if (!relay_buffer->bytes || count > RELAY_BUFFER_SIZE - relay_buffer_full(relay_buffer))
        return false;
    if (count > RELAY_BUFFER_SIZE - relay_buffer->end) {
        memmove(relay_buffer->bytes, relay_buffer->bytes + relay_buffer->start,
                relay_buffer_full(relay_buffer));
        relay_buffer->end -= relay_buffer->start;
        relay_buffer->start = 0;
    }
    return true;
}

bool relay_buffer_put(struct relay_buffer *relay_buffer, const void *bytes, size_t count)
{
    assert(sane(relay_buffer));
    if (!make_space(relay_buffer, count))
        return false;
    memcpy(relay_buffer->bytes + relay_buffer->end, bytes, count);
    relay_buffer->end += count;
    return true;
}

size_t relay_buffer_take(struct relay_buffer *relay_buffer, void *into, size_t size)
{
    assert(sane(relay_buffer));
    size_t full = relay_buffer_full(relay_buffer);
    size_t count = full < size ? full : size;
    if (count)
        memcpy(into, relay_buffer->bytes + relay_buffer->start, count);
    relay_buffer->start += count;
    if (relay_buffer->start == relay_buffer->end)
        relay_buffer->start = relay_buffer->end = 0;
    return count;
}

void relay_buffer_free(struct relay_buffer *relay_buffer)
{
    assert(sane(relay_buffer));
    free(relay_buffer->bytes);
    *relay_buffer = (struct relay_buffer){0};
}
