/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the bytes of a stream well enough to tell whether bytes that come again are the same,
 * without keeping them: a checksum of each block, and the latest bytes themselves.
 *
 * The checksums have 64 bits and no key. They detect a wrong file, but not one that was made to
 * have the same checksums. An attacker gains nothing by that: a client that may resume an upload
 * may also replace it. */
#ifndef INTAKE_BLOCK_SUMS_H
#define INTAKE_BLOCK_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_sums;
struct block_comparison;

/* A block has 64 KiB, and up to 1 MiB in a stream of more than 4 GiB. So a stream of 1 TiB takes
 * 8 MiB of memory, and no stream takes more. */
enum {
    BLOCK_SUMS_MIN = 64 * 1024,
    BLOCK_SUMS_MAX = 1024 * 1024,
    BLOCK_SUMS_FINE = 64 * 1024,   /* so many blocks before blocks become larger than the least */
    BLOCK_SUMS_MOST = 1024 * 1024, /* blocks in any stream */
    BLOCK_SUMS_LATEST = 4096       /* bytes that are kept */
};

/* For a stream of `length` bytes. The caller owns it. NULL: no memory. */
struct block_sums *block_sums_new(uint64_t length);
void block_sums_free(struct block_sums *sums); /* NULL is fine */

/* The next bytes of the stream. */
void block_sums_add(struct block_sums *sums, const void *bytes, size_t count);

uint64_t block_sums_count(const struct block_sums *sums);      /* bytes so far */
uint64_t block_sums_block_size(const struct block_sums *sums); /* bytes of a block */

/* Compares bytes that come again from the place `first` on, which is less than block_sums_count().
 * Compared are the latest bytes, and all from the first beginning of a block on. `sums` is
 * borrowed, and must not change meanwhile. NULL: no memory. */
struct block_comparison *block_comparison_new(const struct block_sums *sums, uint64_t first);
void block_comparison_free(struct block_comparison *comparison); /* NULL is fine */

/* The next bytes that come again. False: they differ from what came before, or are more than that.
 */
bool block_comparison_same(struct block_comparison *comparison, const void *bytes, size_t count);

#endif
