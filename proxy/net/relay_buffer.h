/* SPDX-License-Identifier: Apache-2.0 */
/* A relay buffer: a FIFO of bytes with a fixed size.
 *
 *      | taken |  full  |  free  |
 *      0     start     end      size
 *
 * Invariant: start <= end <= size; an empty buffer starts at 0; a closed one is empty. */
#ifndef NET_RELAY_BUFFER_H
#define NET_RELAY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is closed: it accepts no bytes and has none. Owns `bytes`. */
struct relay_buffer {
    char *bytes;
    size_t start;
    size_t end;
};

enum { RELAY_BUFFER_SIZE = 64 * 1024 };

/* Allocates the memory. False: no memory. Allocation is a separate call so that a put can fail for
 * one reason only. A caller waits for space after a put that failed, and would wait forever if
 * memory were the reason. */
bool relay_buffer_open(struct relay_buffer *relay_buffer);
bool relay_buffer_is_open(const struct relay_buffer *relay_buffer);

/* Appends all bytes or none. False: there is not enough space now. */
bool relay_buffer_put(struct relay_buffer *relay_buffer, const void *bytes, size_t count);

/* Removes up to `size` bytes from the front. Returns how many. */
size_t relay_buffer_take(struct relay_buffer *relay_buffer, void *into, size_t size);

/* The number of bytes in the buffer. */
size_t relay_buffer_full(const struct relay_buffer *relay_buffer);
void relay_buffer_free(struct relay_buffer *relay_buffer);

#endif
