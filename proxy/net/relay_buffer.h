/* SPDX-License-Identifier: Apache-2.0 */
/* A relay buffer of fixed size: bytes are put in behind, taken out in front.
 *
 *      | taken |  full  |  room  |
 *      0     start     end      size
 *
 * Invariant: start <= end <= size; an empty window starts at 0. */
#ifndef NET_RELAY_BUFFER_H
#define NET_RELAY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is closed: it takes nothing and gives nothing. */
struct relay_buffer {
    char *bytes;
    size_t start;
    size_t end;
};

enum { RELAY_BUFFER_SIZE = 64 * 1024 };

/* Gets the memory. It is a call of its own so that a put can fail for one reason only: whoever is
 * told "full" waits for room, and would wait for ever if it was memory that was short. False: no
 * memory. */
bool relay_buffer_open(struct relay_buffer *relay_buffer);
bool relay_buffer_is_open(const struct relay_buffer *relay_buffer);

/* All of it or nothing. False: no room now. */
bool relay_buffer_put(struct relay_buffer *relay_buffer, const void *bytes, size_t count);

/* Up to `room` bytes; returns how many. */
size_t relay_buffer_take(struct relay_buffer *relay_buffer, void *into, size_t room);

size_t relay_buffer_full(const struct relay_buffer *relay_buffer);
void relay_buffer_free(struct relay_buffer *relay_buffer);

#endif
