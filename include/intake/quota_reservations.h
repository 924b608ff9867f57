/* SPDX-License-Identifier: Apache-2.0 */
/* What uploads on their way will add to a project's usage, over all workers.
 *
 * Glance counts active images only. Two uploads that fit one by one may not fit together, so each
 * of them reserves its bytes before it is sent.
 *
 *   provisional  from just before the upload is sent. Anybody who sees an image can get this far,
 *                even where Glance is about to refuse the upload, so nobody is refused for it:
 *                whoever does not fit beside it waits for a moment.
 *   firm         once Glance has begun to take the body.
 *   stored       ended by a body that Glance has got whole. From now on Glance's own usage counts
 *                it; a usage that was asked for earlier may lack it.
 *
 * That last point needs care: without it, an upload that was asked about before another one became
 * active, and is checked after the other's reservation ended, would see neither. So the bytes that
 * were stored are added up. Whoever asks for the usage takes a mark of that sum first, and what has
 * been added since is in doubt: where it decides, the usage has to be asked for again. Counting
 * twice is only possible from the moment the image is active until Glance's answer to the upload
 * is here. */
#ifndef INTAKE_QUOTA_RESERVATIONS_H
#define INTAKE_QUOTA_RESERVATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct quota_reservations;

/* Shared by all workers. NULL: no memory. */
struct quota_reservations *quota_reservations_new(void);
void quota_reservations_free(
    struct quota_reservations *all); /* every one has ended. NULL is fine */

/* Zero-initialised: none. */
struct quota_reservation {
    struct quota_reservations *all;
    void *row;
    uint64_t bytes;
    bool firm;
};

/* To be taken before the usage is asked for. */
uint64_t quota_reservations_mark(struct quota_reservations *all);

struct quota_request {
    const char *key; /* whose limit it is: uploads with the same key share it */
    uint64_t bytes;
    uint64_t left; /* the limit less the usage. UINT64_MAX: no limit */
    uint64_t mark;
    bool trust_usage;        /* what was stored since the mark does not count */
    bool ignore_provisional; /* nor what is provisional */
};

enum quota_outcome {
    QUOTA_RESERVED,
    QUOTA_FULL,  /* `firm` says what others have reserved */
    QUOTA_STALE, /* it depends on what has been stored since the mark: ask again */
    QUOTA_WAIT,  /* it depends on what is provisional */
    QUOTA_NO_MEMORY
};

enum quota_outcome quota_reserve(struct quota_reservations *all,
                                 const struct quota_request *requested,
                                 struct quota_reservation *out, uint64_t *firm);

/* What is firm under this key. */
uint64_t quota_reservations_firm(struct quota_reservations *all, const char *key);

void quota_confirm(struct quota_reservation *reservation); /* it is firm from here on */

/* One that is none is fine. */
void quota_release(struct quota_reservation *reservation, bool stored);

#endif
