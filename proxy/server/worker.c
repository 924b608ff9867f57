/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: its parts, and its thread. Another thread makes a request by setting an atomic member
 * and waking the loop. The worker reads these members in its own thread. */
#include "intake/worker.h"

#include "intake/client.h"
#include "intake/exchange.h"
#include "intake/listener.h"
#include "intake/log.h"
#include "intake/loop.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/shared.h"
#include "intake/snapshot.h"
#include "intake/thread_pool.h"
#include "intake/transfer.h"
#include "intake/usage_questions.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { DRAIN_CHECK_MS = 100 };

struct worker {
    struct exchange_parts exchange; /* the listener's context; current_snapshot() casts it */
    struct listener *listener;
    struct timer drain_timer;
    int ended;
    pthread_t thread;
    bool running;

    struct snapshot *_Atomic next_snapshot; /* with a reference, until the worker takes it */
    _Atomic enum drain drain;
    atomic_bool stop;
};

static struct snapshot *current_snapshot(void *context)
{
    return ((struct exchange_parts *)context)->snapshot;
}

static void take_reload(struct worker *worker)
{
    struct snapshot *snapshot = atomic_exchange(&worker->next_snapshot, NULL);
    if (!snapshot)
        return;
    snapshot_release(worker->exchange.snapshot);
    worker->exchange.snapshot = snapshot;
}

/* Glance may still finish an upload (an orphan) after the last connection has closed, or delete the
 * image of one that failed. */
static void check_drained(struct timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, drain_timer);
    bool drained = listener_is_empty(worker->listener) &&
                   list_is_empty(&worker->exchange.orphans) &&
                   list_is_empty(&worker->exchange.removals);
    if (drained || !timer_set(worker->exchange.loop, timer, DRAIN_CHECK_MS))
        loop_stop(worker->exchange.loop);
}

static void drain(struct worker *worker, enum drain how)
{
    worker->exchange.drain = how;
    if (how == DRAIN_STOPPING) {
        exchange_wake_queued(&worker->exchange);
        listener_drain(worker->listener);
    } else {
        listener_stop_accepting(worker->listener);
    }
    exchange_drain(&worker->exchange);
    check_drained(&worker->drain_timer);
}

static void on_wake(void *context)
{
    struct worker *worker = context;
    take_reload(worker);
    if (atomic_load(&worker->stop))
        loop_stop(worker->exchange.loop);
    enum drain how = atomic_load(&worker->drain);
    if (how > worker->exchange.drain)
        drain(worker, how);
}

static bool make_parts(struct worker *worker, struct shared *shared)
{
    struct exchange_parts *parts = &worker->exchange;
    parts->thread_pool = shared->thread_pool;
    parts->digest_threads = shared->digest_threads;
    parts->decompress_threads = shared->decompress_threads;
    parts->spools = shared->spools;
    parts->upload_locks = shared->upload_locks;
    parts->held_uploads = shared->held_uploads;
    parts->upload_queue = shared->upload_queue;
    parts->fair_shares = shared->fair_shares;
    parts->stores = shared->stores;
    parts->capacity = shared->capacity;
    parts->quota_reservations = shared->quota_reservations;
    parts->keystone = shared->keystone;
    parts->repetitions = shared->repetitions;
    parts->inspection = &shared->inspection;
    parts->loop = loop_new();
    parts->metrics = metrics_new();
    parts->glance = parts->loop ? glance_new(parts->loop) : NULL;
    if (parts->glance)
        glance_share_endpoints(parts->glance, shared->endpoints);
    parts->records = parts->metrics ? records_new(parts->metrics) : NULL;
    parts->usage_answers = shared->usage_answers;
    parts->usage_questions =
        parts->glance ? usage_questions_new(parts->loop, parts->glance, parts->usage_answers,
                                            parts->quota_reservations)
                      : NULL;
    return parts->records && parts->usage_questions;
}

static void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

struct worker *worker_new(const struct worker_parts *parts)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        close_all(parts->sockets, parts->socket_count);
        return NULL;
    }
    worker->ended = parts->ended;
    worker->drain_timer.fire = check_drained;
    worker->exchange.snapshot = snapshot_hold(parts->snapshot);
    worker->exchange.all_records = parts->all_records;
    worker->exchange.record_count = parts->records;
    if (!make_parts(worker, parts->shared)) {
        close_all(parts->sockets, parts->socket_count);
        worker_free(worker);
        return NULL;
    }
    const struct listener_parts listener = {
        .loop = worker->exchange.loop,
        .metrics = worker->exchange.metrics,
        .events = &exchange_events,
        .context = &worker->exchange,
        .snapshot = current_snapshot,
        .connections = &parts->shared->connections,
    };
    loop_on_wake(worker->exchange.loop, on_wake, worker);
    worker->listener =
        listener_new(&listener, parts->sockets, parts->socket_count, parts->snapshot->tls != NULL);
    if (!worker->listener) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

static void *run_worker(void *context)
{
    struct worker *worker = context;
    loop_run(worker->exchange.loop);
    eventfd_write(worker->ended, 1);
    return NULL;
}

bool worker_start(struct worker *worker)
{
    worker->running = pthread_create(&worker->thread, NULL, run_worker, worker) == 0;
    return worker->running;
}

void worker_reload(struct worker *worker, struct snapshot *snapshot)
{
    snapshot_release(atomic_exchange(&worker->next_snapshot, snapshot_hold(snapshot)));
    loop_wake(worker->exchange.loop);
}

void worker_drain(struct worker *worker, enum drain how)
{
    atomic_store(&worker->drain, how);
    loop_wake(worker->exchange.loop);
}

void worker_stop(struct worker *worker)
{
    atomic_store(&worker->stop, true);
    loop_wake(worker->exchange.loop);
}

struct metrics *worker_metrics(struct worker *worker)
{
    return worker->exchange.metrics;
}

struct records *worker_records(struct worker *worker)
{
    return worker->exchange.records;
}

/* The loop may run once more, for the Glance side alone. */
static void end_listener(struct worker *worker)
{
    listener_free(worker->listener);
    if (!worker->exchange.loop)
        return;
    timer_cancel(worker->exchange.loop, &worker->drain_timer);
    loop_on_wake(worker->exchange.loop, NULL, NULL);
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->running) {
        worker_stop(worker);
        pthread_join(worker->thread, NULL);
    }
    struct exchange_parts *parts = &worker->exchange;
    end_listener(worker);
    exchange_drop_orphans(parts);
    exchange_finish_removals(parts);
    usage_questions_free(parts->usage_questions);
    while (parts->loop && loop_run_sent(parts->loop)) /* tickets that got a place and were left */
        continue;
    glance_free(parts->glance);
    records_free(parts->records);
    metrics_free(parts->metrics);
    if (parts->loop) {
        /* Exchanges may have left jobs in the pools. */
        thread_pool_settle(parts->thread_pool, parts->loop);
        thread_pool_settle(parts->digest_threads, parts->loop);
        thread_pool_settle(parts->decompress_threads, parts->loop);
    }
    loop_free(parts->loop);
    snapshot_release(atomic_exchange(&worker->next_snapshot, NULL));
    snapshot_release(parts->snapshot);
    free(worker);
}
