/* SPDX-License-Identifier: Apache-2.0 */
/* Image data that is known in advance at every position, so that the receiver can compare each byte
 * with the expected one, at the speed of memcmp(), and needs no hash.
 *
 * It is 4 KiB blocks of noise, and the first eight bytes of each are a number that no other block
 * of any image has: missing, doubled, moved or foreign data does not compare equal. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_PIECE = 256 * 1024 }; /* with a receiver's buffer of that size, it fits into L2 */

/* What an image's id says of its data. */
struct stream {
    uint32_t seed; /* below 2^24 */
    uint64_t size; /* bytes, below 2^48 */
};

/* `serial` tells images of the same data apart. */
enum { STREAM_ID_SIZE = 37 };
void stream_name(const struct stream *stream, uint32_t serial, char id[STREAM_ID_SIZE]);

/* False: not such an id. Looks at its 36 characters, and not at what follows. */
bool stream_of_id(const char *id, struct stream *stream);

/* Where the bytes are made; one for each thread. */
struct stream_room;
struct stream_room *stream_room_new(void); /* NULL: no memory */
void stream_room_free(struct stream_room *room);

/* `count` (at most STREAM_PIECE) bytes from `position` on, valid until the next call. */
const unsigned char *stream_bytes(struct stream_room *room, const struct stream *stream,
                                  uint64_t position, size_t count);

#endif
