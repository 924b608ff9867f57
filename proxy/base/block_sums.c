/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3 of each block. It reads memory as fast as the processor can, many times faster than any
 * digest, so that it costs nothing beside one. */
#include "intake/block_sums.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* chooses the widest registers */
#else
#include <xxhash.h>
#endif

struct block_sums {
    uint64_t block_size;
    uint64_t count;                          /* bytes so far */
    XXH3_state_t *state;                     /* of the block that is not complete */
    unsigned char latest[BLOCK_SUMS_LATEST]; /* the byte at place N is at N modulo the size */
    size_t rows;
    uint64_t sums[];
};

static uint64_t choose_block_size(uint64_t length)
{
    uint64_t size = BLOCK_SUMS_MIN;
    while ((size < BLOCK_SUMS_MAX && length / size > BLOCK_SUMS_FINE) ||
           length / size > BLOCK_SUMS_MOST)
        size *= 2;
    return size;
}

struct block_sums *block_sums_new(uint64_t length)
{
    uint64_t size = choose_block_size(length);
    size_t rows = (size_t)(length / size) + 1;
    struct block_sums *sums = calloc(1, sizeof *sums + rows * sizeof sums->sums[0]);
    if (!sums)
        return NULL;
    sums->block_size = size;
    sums->rows = rows;
    sums->state = XXH3_createState();
    if (!sums->state) {
        free(sums);
        return NULL;
    }
    XXH3_64bits_reset(sums->state);
    return sums;
}

void block_sums_free(struct block_sums *sums)
{
    if (!sums)
        return;
    XXH3_freeState(sums->state);
    free(sums);
}

uint64_t block_sums_count(const struct block_sums *sums)
{
    return sums->count;
}

uint64_t block_sums_block_size(const struct block_sums *sums)
{
    return sums->block_size;
}

/* --- adding ------------------------------------------------------------------------------- */

/* Bytes of a ring that lie in one piece from the place `at` on. */
static size_t ring_piece(uint64_t at, size_t count)
{
    return MIN(count, BLOCK_SUMS_LATEST - (size_t)(at % BLOCK_SUMS_LATEST));
}

static void keep_latest(struct block_sums *sums, const char *bytes, size_t count)
{
    size_t skipped = count > BLOCK_SUMS_LATEST ? count - BLOCK_SUMS_LATEST : 0;
    for (size_t done = skipped; done < count;) {
        uint64_t at = sums->count + done;
        size_t piece = ring_piece(at, count - done);
        memcpy(sums->latest + at % BLOCK_SUMS_LATEST, bytes + done, piece);
        done += piece;
    }
}

/* A stream that is longer than announced has no rows for the rest, and cannot be compared. */
static void end_block(struct block_sums *sums)
{
    size_t row = (size_t)(sums->count / sums->block_size) - 1;
    if (row < sums->rows)
        sums->sums[row] = XXH3_64bits_digest(sums->state);
    XXH3_64bits_reset(sums->state);
}

void block_sums_add(struct block_sums *sums, const void *bytes, size_t count)
{
    const char *next = bytes;
    keep_latest(sums, bytes, count);
    while (count > 0) {
        size_t piece = MIN(count, sums->block_size - sums->count % sums->block_size);
        XXH3_64bits_update(sums->state, next, piece);
        sums->count += piece;
        next += piece;
        count -= piece;
        if (sums->count % sums->block_size == 0)
            end_block(sums);
    }
}

/* --- comparing ---------------------------------------------------------------------------- */

struct block_comparison {
    const struct block_sums *sums;
    uint64_t at;
    bool from_its_beginning; /* all bytes of the present block so far were compared */
    XXH3_state_t *state;     /* of that block */
};

struct block_comparison *block_comparison_new(const struct block_sums *sums, uint64_t first)
{
    struct block_comparison *comparison = calloc(1, sizeof *comparison);
    if (!comparison)
        return NULL;
    comparison->sums = sums;
    comparison->at = first;
    comparison->from_its_beginning = first % sums->block_size == 0;
    comparison->state = XXH3_createState();
    if (!comparison->state) {
        free(comparison);
        return NULL;
    }
    XXH3_64bits_reset(comparison->state);
    return comparison;
}

void block_comparison_free(struct block_comparison *comparison)
{
    if (!comparison)
        return;
    XXH3_freeState(comparison->state);
    free(comparison);
}

static bool same_latest(const struct block_comparison *comparison, const char *bytes, size_t count)
{
    const struct block_sums *sums = comparison->sums;
    uint64_t kept = sums->count - MIN(sums->count, BLOCK_SUMS_LATEST); /* the first one that is */
    size_t done = kept > comparison->at ? MIN(count, kept - comparison->at) : 0;
    while (done < count) {
        uint64_t at = comparison->at + done;
        size_t piece = ring_piece(at, count - done);
        if (memcmp(sums->latest + at % BLOCK_SUMS_LATEST, bytes + done, piece) != 0)
            return false;
        done += piece;
    }
    return true;
}

/* The last block of what came may not be complete. */
static uint64_t block_end(const struct block_comparison *comparison)
{
    const struct block_sums *sums = comparison->sums;
    return MIN(sums->count, (comparison->at / sums->block_size + 1) * sums->block_size);
}

static bool same_block(struct block_comparison *comparison)
{
    const struct block_sums *sums = comparison->sums;
    bool complete = comparison->at % sums->block_size == 0;
    size_t row = (size_t)(comparison->at / sums->block_size) - (complete ? 1 : 0);
    uint64_t expected = complete ? sums->sums[row] : XXH3_64bits_digest(sums->state);
    bool same =
        !comparison->from_its_beginning || XXH3_64bits_digest(comparison->state) == expected;
    comparison->from_its_beginning = true;
    XXH3_64bits_reset(comparison->state);
    return same;
}

bool block_comparison_same(struct block_comparison *comparison, const void *bytes, size_t count)
{
    const struct block_sums *sums = comparison->sums;
    const char *next = bytes;
    if (sums->count > sums->rows * sums->block_size || count > sums->count - comparison->at)
        return false;
    while (count > 0) {
        uint64_t end = block_end(comparison);
        size_t piece = MIN(count, end - comparison->at);
        if (!same_latest(comparison, next, piece))
            return false;
        XXH3_64bits_update(comparison->state, next, piece);
        comparison->at += piece;
        next += piece;
        count -= piece;
        if (comparison->at == end && !same_block(comparison))
            return false;
    }
    return true;
}
