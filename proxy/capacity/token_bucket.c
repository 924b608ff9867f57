/* SPDX-License-Identifier: Apache-2.0 */
#include "capacity/token_bucket.h"

#include <sys/param.h>

enum { SECOND_US = 1000000, BLOCKS_PER_SECOND = 20, BLOCK_MIN = 16 << 10, BLOCK_MAX = 1 << 20 };

static uint64_t before(uint64_t due_us)
{
    return due_us > TOKEN_BUCKET_DEPTH_US ? due_us - TOKEN_BUCKET_DEPTH_US : 0;
}

uint64_t token_bucket_begin(const struct token_bucket *bucket)
{
    return before(bucket->due_us);
}

/* `bytes` is one block, so the product does not overflow. */
uint64_t token_bucket_charge(struct token_bucket *bucket, uint64_t rate, uint64_t bytes,
                             uint64_t now_us)
{
    bucket->due_us = MAX(bucket->due_us, now_us) + bytes * SECOND_US / rate;
    return before(bucket->due_us);
}

size_t token_bucket_block(uint64_t rate)
{
    return (size_t)MIN(MAX(rate / BLOCKS_PER_SECOND, BLOCK_MIN), BLOCK_MAX);
}
