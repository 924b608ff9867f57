/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers share besides the configuration: made once, before the first worker, and ended
 * after the last one. Each part is thread-safe by itself. */
#ifndef INTAKE_SHARED_H
#define INTAKE_SHARED_H

#include "intake/inspection.h"

#include <stdatomic.h>
#include <stdbool.h>

struct claims;
struct endpoints;
struct errands;
struct reservations;
struct rooms;
struct spools;
struct stores;

struct shared {
    _Atomic unsigned connections;      /* clients' */
    struct errands *errands;           /* the helper threads, for what may block */
    struct errands *hashers;           /* and those for what takes a CPU: one for each */
    struct spools *spools;             /* bodies on disk */
    struct claims *claims;             /* images being uploaded */
    struct stores *stores;             /* what Glance has */
    struct endpoints *endpoints;       /* Glance's */
    struct rooms *rooms;               /* bytes on their way to each store */
    struct inspection inspection;      /* what Glance refuses after storing it */
    struct reservations *reservations; /* and to each project's quota */
};

/* Fills one that is zero-initialised. False: no memory, or no thread; shared_end() is still due. */
bool shared_begin(struct shared *shared);
void shared_end(struct shared *shared);

#endif
