/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket that several readers share in turn. For fair_shares.c.
 *
 * Each block that was read moves the time at which the next one is due. A reader goes on when the
 * block that it read itself is paid for. So readers take turns, and each gets the same share. The
 * bucket saves up TOKEN_BUCKET_DEPTH_US of the rate while nobody reads. */
#ifndef CAPACITY_TOKEN_BUCKET_H
#define CAPACITY_TOKEN_BUCKET_H

#include <stddef.h>
#include <stdint.h>

enum { TOKEN_BUCKET_DEPTH_US = 250000 };

/* Zero-initialised: full. */
struct token_bucket {
    uint64_t due_us; /* all that was read is paid for at this time */
};

/* When a reader that has read nothing yet may begin. */
uint64_t token_bucket_begin(const struct token_bucket *bucket);

/* Charges for `bytes` that were read. `rate` is in bytes per second, and not 0. Returns when the
 * same reader may read again. */
uint64_t token_bucket_charge(struct token_bucket *bucket, uint64_t rate, uint64_t bytes,
                             uint64_t now_us);

/* The most bytes to read in one block: what the rate gives in 50 ms, 16 KiB to 1 MiB. */
size_t token_bucket_block(uint64_t rate);

#endif
