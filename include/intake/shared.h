/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that all workers share besides the configuration. They are created before the first
 * worker, and freed after the last one. Each part is thread-safe. */
#ifndef INTAKE_SHARED_H
#define INTAKE_SHARED_H

#include "intake/inspection.h"

#include <stdatomic.h>
#include <stdbool.h>

struct upload_locks;
struct upload_queue;
struct endpoints;
struct fair_shares;
struct thread_pool;
struct quota_reservations;
struct repetitions;
struct usage_answers;
struct capacity;
struct held_uploads;
struct keystone;
struct spools;
struct stores;

struct shared {
    _Atomic unsigned connections;           /* of clients */
    struct thread_pool *thread_pool;        /* for jobs that may block */
    struct thread_pool *digest_threads;     /* for jobs that need a CPU: one thread per CPU */
    struct thread_pool *decompress_threads; /* see decompressor.h */
    struct spools *spools;                  /* bodies on disk */
    struct upload_locks *upload_locks;      /* images that are being uploaded */
    struct held_uploads *held_uploads;      /* uploads that can be resumed */
    struct stores *stores;                  /* the stores that Glance has */
    struct endpoints *endpoints;            /* of Glance */
    struct upload_queue *upload_queue;      /* places for uploads at the endpoints */
    struct fair_shares *fair_shares;        /* what projects and clients may do at one time */
    struct capacity *capacity;              /* reservations of space in each store */
    struct inspection inspection;           /* what Glance has shown to refuse after storing */
    struct quota_reservations *quota_reservations; /* reservations in each project's quota */
    struct usage_answers *usage_answers;           /* the usage of each project, remembered */
    struct repetitions *repetitions;               /* requests that may be sent once more */
    struct keystone *keystone; /* where users log in; NULL: nowhere. Set after shared_begin() */
};

/* Creates the parts of a zero-initialised struct. False: no memory, or no thread. Call shared_end()
 * in either case. */
bool shared_begin(struct shared *shared);
void shared_end(struct shared *shared);

#endif
