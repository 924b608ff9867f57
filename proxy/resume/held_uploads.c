/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the uploads that can be resumed in one list: there is one row per upload in flight, and
 * only requests that resume or replace one search it.
 *
 * A row may be freed while its task is on the way to the worker. Then the task frees it. */
#include "intake/held_uploads.h"

#include "intake/clock.h"
#include "intake/refusal.h"
#include "intake/resumption.h"
#include "resume/held_priv.h"

#include <stdlib.h>
#include <string.h>

struct held_uploads *held_uploads_new(void)
{
    struct held_uploads *uploads = calloc(1, sizeof *uploads);
    if (uploads)
        pthread_mutex_init(&uploads->lock, NULL);
    return uploads;
}

void held_uploads_free(struct held_uploads *uploads)
{
    if (!uploads)
        return;
    dormant_stop(uploads);
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

/* --- messages to the upload's worker -------------------------------------------------------- */

static void deliver(struct held_upload *upload, struct resumption *offer, const char *drop)
{
    if (drop) /* first: it may free the upload, and an offer after it is refused */
        upload->events->dropped(upload->owner, drop);
    else if (offer)
        upload->events->offered(upload->owner, resumption_hold(offer));
}

static void run(struct task *task)
{
    struct held_upload *upload = CONTAINER_OF(task, struct held_upload, task);
    struct held_uploads *uploads = upload->uploads;
    pthread_mutex_lock(&uploads->lock);
    struct resumption *offer = upload->offer;
    const char *drop = upload->drop;
    bool gone = upload->gone;
    upload->offer = NULL;
    upload->drop = NULL;
    upload->sent = false;
    pthread_mutex_unlock(&uploads->lock);
    if (gone)
        held_row_free(upload);
    else
        deliver(upload, offer, drop);
    if (offer && (gone || drop))
        resumption_refuse(offer, REFUSAL_OFFSET_MISMATCH, "the upload has ended", 0);
    resumption_release(offer);
}

/* The lock is held. */
static void send_task(struct held_upload *upload)
{
    if (!upload->sent)
        task_send(upload->loop, &upload->task);
    upload->sent = true;
}

/* The row of a dormant one is freed. */
static void send_drop(struct held_upload *upload, const char *why)
{
    if (!upload->loop) {
        dormant_end(upload, why);
        return;
    }
    upload->drop = why;
    send_task(upload);
}

/* --- for the upload ------------------------------------------------------------------------- */

struct held_upload *held_upload_new(struct held_uploads *uploads,
                                    const struct held_upload_plan *plan)
{
    struct held_upload *upload = held_row_new(uploads, plan->image, plan->store, plan->project);
    if (!upload)
        return NULL;
    upload->length = plan->length;
    upload->size = plan->size;
    upload->loop = plan->loop;
    upload->events = plan->events;
    upload->owner = plan->owner;
    upload->task.run = run;
    pthread_mutex_lock(&uploads->lock);
    dormant_replace(uploads, plan->image);
    list_insert(&uploads->all, &upload->place);
    pthread_mutex_unlock(&uploads->lock);
    return upload;
}

void held_upload_free(struct held_upload *upload)
{
    if (!upload)
        return;
    struct held_uploads *uploads = upload->uploads;
    pthread_mutex_lock(&uploads->lock);
    list_remove(&upload->place);
    bool sent = upload->sent;
    upload->gone = true;
    pthread_mutex_unlock(&uploads->lock);
    if (!sent)
        held_row_free(upload);
}

void held_upload_moved(struct held_upload *upload, uint64_t offset)
{
    atomic_store_explicit(&upload->offset, offset, memory_order_relaxed);
    atomic_store_explicit(&upload->waits_since, 0, memory_order_relaxed);
}

void held_upload_waits(struct held_upload *upload)
{
    if (!atomic_load_explicit(&upload->waits_since, memory_order_relaxed))
        atomic_store_explicit(&upload->waits_since, clock_ms(), memory_order_relaxed);
}

/* --- how many ------------------------------------------------------------------------------- */

struct tally {
    unsigned count;
    struct held_upload *oldest; /* NULL: none */
};

/* Those without a client, of all projects or of one. Those that are being dropped do not count. */
static struct tally tally(const struct held_uploads *uploads, const char *project)
{
    struct tally tally = {0};
    LIST_EACH(row, &uploads->all, struct held_upload, place) {
        bool counts = !project || (row->project && strcmp(row->project, project) == 0);
        if (!counts || !row->held_since || row->drop)
            continue;
        tally.count++;
        if (!tally.oldest || row->held_since < tally.oldest->held_since)
            tally.oldest = row;
    }
    return tally;
}

void held_keep_limits(struct held_uploads *uploads, const char *project,
                      const struct held_limits *limits)
{
    struct tally own = tally(uploads, project);
    if (project && own.count > limits->project)
        send_drop(own.oldest, "its project holds too many (max_held_per_project)");
    struct tally all = tally(uploads, NULL);
    if (all.count > limits->all)
        send_drop(all.oldest, "too many are held (max_held)");
}

void held_upload_hold(struct held_upload *upload, uint64_t expires_wall_ms,
                      const struct held_limits *limits)
{
    pthread_mutex_lock(&upload->uploads->lock);
    upload->held_since = clock_ms();
    upload->expires_wall_ms = expires_wall_ms;
    held_keep_limits(upload->uploads, upload->project, limits);
    pthread_mutex_unlock(&upload->uploads->lock);
}

/* The lock is held. */
static bool is_moving_now(const struct held_upload *upload)
{
    uint64_t since = atomic_load_explicit(&upload->waits_since, memory_order_relaxed);
    return !upload->held_since && (!since || clock_ms() - since < HELD_SILENT_MS);
}

bool held_upload_is_moving(const struct held_upload *upload)
{
    pthread_mutex_lock(&upload->uploads->lock);
    bool moving = is_moving_now(upload);
    pthread_mutex_unlock(&upload->uploads->lock);
    return moving;
}

void held_upload_continue(struct held_upload *upload)
{
    pthread_mutex_lock(&upload->uploads->lock);
    upload->held_since = 0;
    pthread_mutex_unlock(&upload->uploads->lock);
    atomic_store_explicit(&upload->waits_since, 0, memory_order_relaxed);
}

/* --- for everybody -------------------------------------------------------------------------- */

/* The lock is held. */
static struct held_upload *find(struct held_uploads *uploads, const char *image)
{
    LIST_EACH(row, &uploads->all, struct held_upload, place)
        if (strcmp(row->image, image) == 0)
            return row;
    return NULL;
}

bool held_uploads_find(struct held_uploads *uploads, const char *image, const char *store,
                       struct held_facts *facts)
{
    pthread_mutex_lock(&uploads->lock);
    const struct held_upload *upload = find(uploads, image);
    if (upload)
        *facts = (struct held_facts){
            .offset = atomic_load_explicit(&upload->offset, memory_order_relaxed),
            .length = upload->length,
            .size = upload->size,
            .held = upload->held_since != 0,
            .dormant = !upload->loop,
            .moving = is_moving_now(upload),
            .same_store = store && upload->store && strcmp(store, upload->store) == 0,
            .expires_wall_ms = upload->held_since ? upload->expires_wall_ms : 0,
        };
    pthread_mutex_unlock(&uploads->lock);
    return upload != NULL;
}

bool held_uploads_offer(struct held_uploads *uploads, const char *image,
                        struct resumption *resumption)
{
    pthread_mutex_lock(&uploads->lock);
    struct held_upload *upload = find(uploads, image);
    bool free = upload && upload->loop && !upload->offer && !upload->drop;
    if (free) {
        upload->offer = resumption_hold(resumption);
        send_task(upload);
    }
    pthread_mutex_unlock(&uploads->lock);
    return free;
}

bool held_uploads_drop(struct held_uploads *uploads, const char *image, const char *why)
{
    pthread_mutex_lock(&uploads->lock);
    struct held_upload *upload = find(uploads, image);
    if (upload)
        send_drop(upload, why);
    pthread_mutex_unlock(&uploads->lock);
    return upload != NULL;
}

size_t held_uploads_count(struct held_uploads *uploads)
{
    pthread_mutex_lock(&uploads->lock);
    size_t count = tally(uploads, NULL).count;
    pthread_mutex_unlock(&uploads->lock);
    return count;
}
