/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes by a name: what proxies tell each other of what they have in flight. */
#ifndef INTAKE_TALLY_H
#define INTAKE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

struct tally;

struct tally_bytes {
    uint64_t firm;
    uint64_t provisional; /* of quota_reservations.h; of a store there are none */
};

/* Empty. NULL: no memory. Owned by the caller. */
struct tally *tally_new(void);
void tally_free(struct tally *tally); /* NULL is fine */

/* Adds to the bytes of `name`. Sums end at UINT64_MAX. False: no memory. */
bool tally_add(struct tally *tally, const char *name, struct tally_bytes bytes);

/* Zero if there are none. `tally` NULL is an empty one. */
struct tally_bytes tally_find(const struct tally *tally, const char *name);

/* In the order of the names. */
void tally_each(const struct tally *tally,
                void (*visit)(const char *name, struct tally_bytes bytes, void *context),
                void *context);

#endif
