/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers share besides the configuration: made once, before the first worker, and ended
 * after the last one. Each part is thread-safe by itself. */
#ifndef INTAKE_SHARED_H
#define INTAKE_SHARED_H

#include "intake/inspection.h"

#include <stdatomic.h>
#include <stdbool.h>

struct upload_locks;
struct endpoints;
struct thread_pool;
struct quota_reservations;
struct capacity;
struct spools;
struct stores;

struct shared {
    _Atomic unsigned connections;       /* clients' */
    struct thread_pool *thread_pool;    /* the helper threads, for what may block */
    struct thread_pool *digest_threads; /* and those for what takes a CPU: one for each */
    struct spools *spools;              /* bodies on disk */
    struct upload_locks *upload_locks;  /* images being uploaded */
    struct stores *stores;              /* what Glance has */
    struct endpoints *endpoints;        /* Glance's */
    struct capacity *capacity;          /* bytes on their way to each store */
    struct inspection inspection;       /* what Glance refuses after storing it */
    struct quota_reservations *quota_reservations; /* and to each project's quota */
};

/* Fills one that is zero-initialised. False: no memory, or no thread; shared_end() is still due. */
bool shared_begin(struct shared *shared);
void shared_end(struct shared *shared);

#endif
