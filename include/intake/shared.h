/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that all workers share besides the configuration. They are created before the first
 * worker, and freed after the last one. Each part is thread-safe. */
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
    _Atomic unsigned connections;       /* of clients */
    struct thread_pool *thread_pool;    /* for jobs that may block */
    struct thread_pool *digest_threads; /* for jobs that need a CPU: one thread per CPU */
    struct spools *spools;              /* bodies on disk */
    struct upload_locks *upload_locks;  /* images that are being uploaded */
    struct stores *stores;              /* the stores that Glance has */
    struct endpoints *endpoints;        /* of Glance */
    struct capacity *capacity;          /* reservations of space in each store */
    struct inspection inspection;       /* what Glance has shown to refuse after storing */
    struct quota_reservations *quota_reservations; /* reservations in each project's quota */
};

/* Creates the parts of a zero-initialised struct. False: no memory, or no thread. Call shared_end()
 * in either case. */
bool shared_begin(struct shared *shared);
void shared_end(struct shared *shared);

#endif
