/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the stores: what a bucket says it holds, and what is on its way there. */
#ifndef INTAKE_CAPACITY_H
#define INTAKE_CAPACITY_H

#include "intake/buffered_fetch.h"

#include <stdbool.h>
#include <stdint.h>

struct policy_store;
struct capacity;

/* Bytes in flight to each store, over all workers. NULL: no memory. */
struct capacity *capacity_new(void);
void capacity_free(struct capacity *capacity); /* everything was given back. NULL is fine */

/* What a bucket's HEAD says. UINT64_MAX as a quota: none. */
struct bucket_facts {
    uint64_t used;
    uint64_t quota; /* the smaller of the bucket's and its user's */
};

/* A gateway that does not answer must not hold up uploads that it may have room for. */
enum { BUCKET_TIMEOUT_MS = 10000 };

/* HEAD of the store's bucket, signed (AWS signature version 4) by libcurl. The keys are read anew
 * from their files. False: no memory, or a key cannot be read (the log says which file). */
bool bucket_ask(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                const struct policy_store *store, void (*wake)(void *context), void *context);

/* Once it is over. False: the answer is not one of a bucket that can be read; `why` says what it
 * was, as a clause. */
bool bucket_read(const struct fetch *fetch, struct bucket_facts *facts, char *why, size_t room);

/* A part of a store's room, taken for one upload. Zero-initialised: none. */
struct capacity_reservation {
    struct capacity *capacity;
    void *store;
    uint64_t bytes;
};

enum capacity_outcome { CAPACITY_RESERVED, CAPACITY_FULL, CAPACITY_NO_MEMORY };

/* Takes `bytes` of store `name` if used + in flight + bytes <= limit. CAPACITY_FULL: `in_flight` is
 * what others have taken. */
enum capacity_outcome capacity_reserve(struct capacity *capacity, const char *name, uint64_t bytes,
                                       uint64_t used, uint64_t limit,
                                       struct capacity_reservation *room, uint64_t *in_flight);
void capacity_release(struct capacity_reservation *room); /* one that is none is fine */

#endif
