/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange: one request from its head to the last byte of its answer. No other folder knows the
 * order of the steps. */
#ifndef INTAKE_EXCHANGE_H
#define INTAKE_EXCHANGE_H

#include "intake/list.h"

#include <stdbool.h>
#include <stddef.h>

struct upload_locks;
struct client_events;
struct thread_pool;
struct exchange;
struct glance;
struct holder;
struct inspection;
struct loop;
struct metrics;
struct quota_reservations;
struct capacity;
struct snapshot;
struct spools;
struct stores;
struct records;

/* How many bytes of JSON a worker buffers. Zero-initialised: none. */
struct holders {
    size_t newcomers;     /* for clients that Glance has not vouched for */
    size_t known;         /* for the others */
    struct holder *first; /* the others by address */
};

/* What the exchanges of one worker share. Borrowed; `snapshot` and `draining` change. */
struct exchange_parts {
    struct loop *loop;
    struct glance *glance;
    struct metrics *metrics;
    struct records *records;
    struct thread_pool *thread_pool; /* of all workers, as are the next seven: see shared.h */
    struct thread_pool *digest_threads;
    struct spools *spools;
    struct upload_locks *upload_locks;
    struct stores *stores;
    struct capacity *capacity;
    struct quota_reservations *quota_reservations;
    struct inspection *inspection;
    struct snapshot *snapshot; /* in force for new exchanges */
    bool draining;             /* new uploads are refused */
    bool hears_continue;       /* Glance sends 100 Continue when it begins to read an upload */
    struct holders holders;
    struct list orphans; /* exchanges whose client has left, while Glance is finishing */
};

/* The listener's events; their context is a struct exchange_parts. */
extern const struct client_events exchange_events;

/* Frees all orphans. */
void exchange_drop_orphans(struct exchange_parts *parts);

#endif
