/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes with a maximum given at birth.
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

/* Appends all of it or nothing. False: it would pass `max`, or there is no memory. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t count);
bool buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether `count` more bytes would stay within `max`: why an append has failed. */
bool buffer_may_hold(const struct buffer *buffer, size_t count);

/* The content as a string; "" when nothing was appended. Valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

/* Forgets the content and keeps the memory; drops `count` bytes from the front. */
void buffer_clear(struct buffer *buffer);
void buffer_drop(struct buffer *buffer, size_t count);

/* Frees the content; the buffer is empty again, with the same maximum. */
void buffer_free(struct buffer *buffer);

#endif
