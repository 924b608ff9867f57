/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a thread with a loop, a listener, an upstream side and the exchanges between them.
 * Workers share only the configuration and struct shared. */
#ifndef INTAKE_WORKER_H
#define INTAKE_WORKER_H

#include "intake/exchange.h"

#include <stdbool.h>
#include <stddef.h>

struct metrics;
struct shared;
struct snapshot;
struct records;
struct worker;

struct worker_parts {
    struct snapshot *snapshot; /* the worker takes its own reference */
    const int *sockets;        /* listening sockets; the worker owns them, also after a failure */
    size_t socket_count;
    struct shared *shared; /* borrowed */
    struct records *const
        *all_records; /* `records` of them; borrowed. Complete before one starts */
    size_t records;
    int ended; /* an eventfd; the worker adds 1 when its thread ends. Borrowed */
};

/* Creates a worker that does not run yet. Owned by the caller. NULL: no memory or descriptors. */
struct worker *worker_new(const struct worker_parts *parts);

/* Starts the thread. False: it cannot be created. */
bool worker_start(struct worker *worker);

/* Requests to the worker, from any thread. reload: the worker takes its own reference. */
void worker_reload(struct worker *worker, struct snapshot *snapshot);

/* drain: ends the thread after the last connection and orphan. stop: ends it now; uploads are
 * aborted. */
void worker_drain(struct worker *worker, enum drain how);
void worker_stop(struct worker *worker);

/* Borrowed; valid until worker_free(). */
struct metrics *worker_metrics(struct worker *worker);
struct records *worker_records(struct worker *worker);

/* Stops the thread, waits for it, and frees. NULL is fine. */
void worker_free(struct worker *worker);

#endif
