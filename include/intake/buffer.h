/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer. Its maximum size is set when it is initialised.
 *
 * Invariant: len < cap (when data is set) and len <= max; data[len] is always NUL, so
 * that data can be read as a string. The owner of the struct owns data. */
#ifndef INTAKE_BUFFER_H
#define INTAKE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max;
};

/* An empty buffer that will never hold more than `max` bytes. Allocates nothing. */
void buffer_init(struct buffer *buffer, size_t max);

/* Appends all bytes or none. False: the content would exceed `max`, or there is no memory. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t count);
bool buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether `count` more bytes would stay within `max`. After an append that failed, true means that
 * memory was short. */
bool buffer_may_hold(const struct buffer *buffer, size_t count);

/* The content as a string; "" if nothing was appended. Borrowed; valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

/* clear() empties the buffer and keeps its memory. drop() removes `count` bytes from the front. */
void buffer_clear(struct buffer *buffer);
void buffer_drop(struct buffer *buffer, size_t count);

/* Frees the memory. The buffer is then empty, with the same maximum. */
void buffer_free(struct buffer *buffer);

#endif
