/* SPDX-License-Identifier: Apache-2.0 */
/* Reserves capacity in stores: asks a bucket how much it holds, and counts the bytes in flight. */
#ifndef INTAKE_CAPACITY_H
#define INTAKE_CAPACITY_H

#include "intake/buffered_fetch.h"

#include <stdbool.h>
#include <stdint.h>

struct policy_store;
struct tally;
struct capacity;

/* The bytes in flight to each store, over all workers. Thread-safe. NULL: no memory. */
struct capacity *capacity_new(void);
void capacity_free(struct capacity *capacity); /* all reservations are released. NULL is fine */

/* The answer to HEAD of a bucket, in bytes. */
struct bucket_facts {
    uint64_t used;
    uint64_t quota; /* the smaller quota of the bucket and its owner; UINT64_MAX: none */
};

/* Short, because an upload waits for the answer, and may fit. */
enum { BUCKET_TIMEOUT_MS = 10000 };

/* Starts HEAD of the store's bucket, signed (AWS signature version 4) by libcurl. The keys are read
 * from their files each time. False: no memory, or a key cannot be read (the log has the file). */
bool bucket_ask(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                const struct policy_store *store, void (*wake)(void *context), void *context);

/* Reads the answer after the fetch is over. False: it does not tell how full the bucket is; `why`
 * says why, as a clause. */
bool bucket_read(const struct fetch *fetch, struct bucket_facts *facts, char *why, size_t room);

/* Capacity of a store that is reserved for one upload. Zero-initialised: none. */
struct capacity_reservation {
    struct capacity *capacity;
    void *store;
    uint64_t bytes;
};

enum capacity_outcome {
    CAPACITY_RESERVED,
    CAPACITY_FULL,
    CAPACITY_FULL_ELSEWHERE, /* it would fit without the bytes in flight at other proxies, which may
                              * be a second old: try again */
    CAPACITY_NO_MEMORY
};

/* Reserves `bytes` in store `name`, if used + in flight + bytes <= limit. `in_flight` gets the
 * bytes that other uploads have reserved, also at other proxies; except with CAPACITY_NO_MEMORY. */
enum capacity_outcome capacity_reserve(struct capacity *capacity, const char *name, uint64_t bytes,
                                       uint64_t used, uint64_t limit,
                                       struct capacity_reservation *reservation,
                                       uint64_t *in_flight);

/* Whether the same would be reserved now, without regard to other proxies. */
bool capacity_has_room(struct capacity *capacity, const char *name, uint64_t bytes, uint64_t used,
                       uint64_t limit, uint64_t *in_flight);

/* A zero-initialised reservation is fine. */
void capacity_release(struct capacity_reservation *reservation);

/* How many reservations have ended so far, in all stores, as far as is known also at other proxies.
 * If it has changed since a bucket was asked, bytes that were in flight then may be neither in the
 * answer nor in flight now. */
uint64_t capacity_ended(struct capacity *capacity);

/* --- other proxies ----------------------------------------------------------------------- */

/* Adds the bytes in flight of this proxy, by store. `ended`: how many of its reservations have
 * ended so far. False: no memory. */
bool capacity_tell(struct capacity *capacity, struct tally *out, uint64_t *ended);

/* What the other proxies have in flight from now on. Takes over `elsewhere`; NULL: nothing.
 * `ended`: some reservations there have ended since the last call. */
void capacity_hear(struct capacity *capacity, struct tally *elsewhere, bool ended);

#endif
