/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a thread with a loop, a listener, a Glance edge and the exchanges between them. It
 * shares nothing with another worker but the configuration and struct shared. */
#ifndef INTAKE_WORKER_H
#define INTAKE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

struct metrics;
struct shared;
struct snapshot;
struct records;
struct worker;

struct worker_parts {
    struct snapshot *snapshot; /* the worker takes a reference of its own */
    const int *sockets;        /* listening; taken over, also on failure */
    size_t socket_count;
    struct shared *shared; /* borrowed */
    int ended;             /* an eventfd the worker adds 1 to when its thread ends */
};

/* NULL: it could not be made. Not running yet. */
struct worker *worker_new(const struct worker_parts *parts);

bool worker_start(struct worker *worker);

/* What any thread may ask of it. reload: the worker takes a reference of its own. */
void worker_reload(struct worker *worker, struct snapshot *snapshot);
void worker_drain(struct worker *worker); /* its thread ends when its connections have */
void worker_stop(struct worker *worker);  /* its thread ends now; uploads are cut off */

struct metrics *worker_metrics(struct worker *worker);
struct records *worker_records(struct worker *worker);

/* Waits for its thread and frees. NULL is fine. */
void worker_free(struct worker *worker);

#endif
