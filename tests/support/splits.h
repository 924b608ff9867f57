/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to cut a body: whatever reads a stream must come to the same end in each of them. */
#ifndef SUPPORT_SPLITS_H
#define SUPPORT_SPLITS_H

#include <stddef.h>

/* Pieces: the `first` bytes, then `rest` bytes at a time until there are no more. */
struct split {
    size_t first;
    size_t rest;
};

/* Calls `attempt` for `count` bytes whole, byte by byte, and in two at every point. */
static inline void splits_each(size_t count,
                               void (*attempt)(struct split split, const void *vector),
                               const void *vector)
{
    attempt((struct split){count, 1}, vector);
    attempt((struct split){1, 1}, vector);
    for (size_t first = 1; first < count; first++)
        attempt((struct split){first, count}, vector);
}

/* The size of the piece that starts at `at`, of `count` bytes cut so. */
static inline size_t split_piece(struct split split, size_t at, size_t count)
{
    size_t piece = at == 0 ? split.first : split.rest;
    return piece < count - at ? piece : count - at;
}

#endif
