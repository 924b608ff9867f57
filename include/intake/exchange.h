/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange: one request from its head to the last byte of its answer. No other folder knows the
 * order of the steps. */
#ifndef INTAKE_EXCHANGE_H
#define INTAKE_EXCHANGE_H

#include "intake/list.h"
#include "intake/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct upload_locks;
struct upload_queue;
struct client_events;
struct thread_pool;
struct exchange;
struct fair_shares;
struct glance;
struct held_uploads;
struct holder;
struct inspection;
struct keystone;
struct metrics;
struct quota_reservations;
struct capacity;
struct snapshot;
struct spools;
struct stores;
struct records;
struct repetitions;
struct usage_answers;
struct usage_questions;

/* How many bytes of JSON a worker buffers. Zero-initialised: none. */
struct holders {
    size_t newcomers;     /* for clients that Glance has not vouched for */
    size_t known;         /* for the others */
    struct holder *first; /* the others by address */
};

/* How a worker comes to its end. The order matters: it only goes forward.
 *   HANDED_OVER  another process accepts new connections; requests on open ones are served
 *   STOPPING     requests in flight may finish; new uploads are refused */
enum drain { DRAIN_NONE, DRAIN_HANDED_OVER, DRAIN_STOPPING };

/* What the exchanges of one worker share. Borrowed; `snapshot` and `drain` change. */
struct exchange_parts {
    struct loop *loop;
    struct glance *glance;
    struct metrics *metrics;
    struct records *records;
    struct records *const *all_records; /* of all workers, and of dormant uploads */
    size_t record_count;
    struct thread_pool *thread_pool; /* of all workers, as are the next eleven: see shared.h */
    struct thread_pool *digest_threads;
    struct thread_pool *decompress_threads;
    struct spools *spools;
    struct upload_locks *upload_locks;
    struct held_uploads *held_uploads;
    struct upload_queue *upload_queue;
    struct fair_shares *fair_shares;
    struct stores *stores;
    struct capacity *capacity;
    struct quota_reservations *quota_reservations;
    struct usage_answers *usage_answers;
    struct repetitions *repetitions;
    struct keystone *keystone; /* of all workers, too; NULL: nobody logs in */
    struct inspection *inspection;
    struct usage_questions *usage_questions; /* of this worker */
    struct snapshot *snapshot;               /* in force for new exchanges */
    enum drain drain;
    bool hears_continue; /* Glance sends 100 Continue when it begins to read an upload */
    struct holders holders;
    struct list orphans;  /* exchanges whose client has left, while Glance is finishing */
    struct list queued;   /* uploads that wait for what other uploads have */
    struct list removals; /* images of failed uploads that are being deleted */
    struct timer removals_timer;
    bool removals_are_last; /* the worker is stopping: each is tried once more */
};

/* The listener's events; their context is a struct exchange_parts. */
extern const struct client_events exchange_events;

/* The worker begins to drain, or to stop: ends what only waits for a client. */
void exchange_drain(struct exchange_parts *parts);

/* Wakes the uploads that wait for what other uploads have. Call it after setting `drain`: at
 * DRAIN_STOPPING they are refused. */
void exchange_wake_queued(struct exchange_parts *parts);

/* The worker has stopped: waits a little until the images of failed uploads are deleted. Call it
 * after all exchanges were freed, while the Glance side is still there. */
void exchange_finish_removals(struct exchange_parts *parts);

/* Frees all orphans. */
void exchange_drop_orphans(struct exchange_parts *parts);

#endif
