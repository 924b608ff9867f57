/* SPDX-License-Identifier: Apache-2.0 */
/* The two buffers between the loop's thread and the decompressing one. One lock guards them. Only
 * the decompressing thread waits for the condition; the loop's is woken by a task.
 *
 * The job is freed in the loop's thread, by its `done` or after it. Tasks that the job has sent run
 * before its `done`. */
#include "decompress/decompress_priv.h"

#include "intake/container.h"
#include "intake/thread_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum { BUFFER = 256 * 1024 };

/* A ring of bytes. */
struct ring {
    unsigned char *bytes; /* BUFFER */
    size_t from, count;
};

struct decompressor {
    struct job job; /* first: struct job is cast to this */
    bool finds_disk;
    struct thread_pool *threads;
    struct loop *loop;
    void (*wake)(void *context);
    void *context;
    struct task woken;

    pthread_mutex_t lock; /* guards the members up to `fault` */
    pthread_cond_t changed;
    struct ring in, out;
    bool in_ended, out_ended;
    bool loop_waits; /* the loop's thread was told to wait, and no task was sent since */
    bool task_sent;  /* and has not run */
    bool stopped;    /* nobody wants the result */
    bool opened;
    uint64_t length; /* valid when `opened` */
    enum decompress_fault fault;

    bool done, freed; /* of the loop's thread */

    /* Of the decompressing thread. */
    struct decoding decoding;
    unsigned char *piece; /* BUFFER bytes: compressed ones, out of the ring */
};

/* --- rings --------------------------------------------------------------------------------- */

static void ring_put(struct ring *ring, const void *bytes, size_t count)
{
    size_t at = (ring->from + ring->count) % BUFFER;
    size_t first = MIN(count, BUFFER - at);
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, (const unsigned char *)bytes + first, count - first);
    ring->count += count;
}

static size_t ring_take(struct ring *ring, void *into, size_t room)
{
    size_t count = MIN(room, ring->count);
    size_t first = MIN(count, BUFFER - ring->from);
    memcpy(into, ring->bytes + ring->from, first);
    memcpy((unsigned char *)into + first, ring->bytes, count - first);
    ring->from = (ring->from + count) % BUFFER;
    ring->count -= count;
    return count;
}

/* --- the decompressing thread -------------------------------------------------------------- */

/* With the lock. A task is sent once for each wait. */
static void wake_loop(struct decompressor *decompressor)
{
    if (!decompressor->loop_waits || decompressor->task_sent || decompressor->stopped)
        return;
    decompressor->loop_waits = false;
    decompressor->task_sent = true;
    task_send(decompressor->loop, &decompressor->woken);
}

static ssize_t pull(void *context, const unsigned char **bytes)
{
    struct decompressor *decompressor = context;
    pthread_mutex_lock(&decompressor->lock);
    while (!decompressor->in.count && !decompressor->in_ended && !decompressor->stopped)
        pthread_cond_wait(&decompressor->changed, &decompressor->lock);
    ssize_t got = decompressor->stopped
                      ? -1
                      : (ssize_t)ring_take(&decompressor->in, decompressor->piece, BUFFER);
    wake_loop(decompressor);
    pthread_mutex_unlock(&decompressor->lock);
    *bytes = decompressor->piece;
    return got;
}

static void opened(void *context, uint64_t length)
{
    struct decompressor *decompressor = context;
    pthread_mutex_lock(&decompressor->lock);
    decompressor->opened = true;
    decompressor->length = length;
    wake_loop(decompressor);
    pthread_mutex_unlock(&decompressor->lock);
}

static bool put(void *context, const void *bytes, size_t count)
{
    struct decompressor *decompressor = context;
    pthread_mutex_lock(&decompressor->lock);
    while (count && !decompressor->stopped) {
        size_t now = MIN(count, BUFFER - decompressor->out.count);
        if (now == 0) {
            pthread_cond_wait(&decompressor->changed, &decompressor->lock);
            continue;
        }
        ring_put(&decompressor->out, bytes, now);
        bytes = (const unsigned char *)bytes + now;
        count -= now;
        wake_loop(decompressor);
    }
    bool wanted = !decompressor->stopped;
    pthread_mutex_unlock(&decompressor->lock);
    return wanted;
}

static void run(struct job *job)
{
    struct decompressor *decompressor = (struct decompressor *)job;
    const struct disk_sink sink = {opened, put, decompressor};
    enum decompress_fault fault =
        disk_extract(&decompressor->decoding, decompressor->finds_disk, &sink);
    pthread_mutex_lock(&decompressor->lock);
    decompressor->fault = fault;
    decompressor->out_ended = true;
    wake_loop(decompressor);
    pthread_mutex_unlock(&decompressor->lock);
}

/* --- the beginning, and the end ------------------------------------------------------------ */

static void destroy(struct decompressor *decompressor)
{
    decoding_free(&decompressor->decoding);
    pthread_cond_destroy(&decompressor->changed);
    pthread_mutex_destroy(&decompressor->lock);
    free(decompressor->in.bytes);
    free(decompressor->out.bytes);
    free(decompressor->piece);
    free(decompressor);
}

static void done(struct job *job)
{
    struct decompressor *decompressor = (struct decompressor *)job;
    decompressor->done = true;
    if (decompressor->freed)
        destroy(decompressor);
}

static void woken(struct task *task)
{
    struct decompressor *decompressor = CONTAINER_OF(task, struct decompressor, woken);
    pthread_mutex_lock(&decompressor->lock);
    decompressor->task_sent = false;
    pthread_mutex_unlock(&decompressor->lock);
    if (!decompressor->freed)
        decompressor->wake(decompressor->context);
}

static bool allocate(struct decompressor *decompressor)
{
    decompressor->in.bytes = malloc(BUFFER);
    decompressor->out.bytes = malloc(BUFFER);
    decompressor->piece = malloc(BUFFER);
    return decompressor->in.bytes && decompressor->out.bytes && decompressor->piece;
}

struct decompressor *decompressor_new(enum compression compression, bool finds_disk,
                                      struct thread_pool *threads, struct loop *loop,
                                      void (*wake)(void *context), void *context)
{
    struct decompressor *decompressor = calloc(1, sizeof *decompressor);
    if (!decompressor)
        return NULL;
    pthread_mutex_init(&decompressor->lock, NULL);
    pthread_cond_init(&decompressor->changed, NULL);
    decompressor->decoding = (struct decoding){.kind = decoder_of(compression),
                                               .pull = pull,
                                               .context = decompressor,
                                               .length = UINT64_MAX};
    if (!allocate(decompressor)) {
        destroy(decompressor);
        return NULL;
    }
    decompressor->finds_disk = finds_disk;
    decompressor->threads = threads;
    decompressor->loop = loop;
    decompressor->wake = wake;
    decompressor->context = context;
    decompressor->woken.run = woken;
    decompressor->job = (struct job){.run = run, .done = done};
    thread_pool_send(threads, loop, &decompressor->job);
    return decompressor;
}

void decompressor_free(struct decompressor *decompressor)
{
    if (!decompressor)
        return;
    decompressor->freed = true;
    if (decompressor->done) {
        destroy(decompressor);
        return;
    }
    pthread_mutex_lock(&decompressor->lock);
    decompressor->stopped = true;
    pthread_cond_signal(&decompressor->changed);
    pthread_mutex_unlock(&decompressor->lock);
}

/* --- the loop's thread --------------------------------------------------------------------- */

size_t decompressor_room(struct decompressor *decompressor)
{
    pthread_mutex_lock(&decompressor->lock);
    size_t room = BUFFER - decompressor->in.count;
    pthread_mutex_unlock(&decompressor->lock);
    return room;
}

void decompressor_put(struct decompressor *decompressor, const void *bytes, size_t count)
{
    pthread_mutex_lock(&decompressor->lock);
    ring_put(&decompressor->in, bytes, count);
    pthread_cond_signal(&decompressor->changed);
    pthread_mutex_unlock(&decompressor->lock);
}

void decompressor_end(struct decompressor *decompressor)
{
    pthread_mutex_lock(&decompressor->lock);
    decompressor->in_ended = true;
    pthread_cond_signal(&decompressor->changed);
    pthread_mutex_unlock(&decompressor->lock);
}

bool decompressor_opened(struct decompressor *decompressor, uint64_t *length)
{
    pthread_mutex_lock(&decompressor->lock);
    bool known = decompressor->opened || decompressor->out_ended;
    decompressor->loop_waits = !known;
    *length = decompressor->opened ? decompressor->length : UINT64_MAX;
    pthread_mutex_unlock(&decompressor->lock);
    return known;
}

ssize_t decompressor_read(struct decompressor *decompressor, void *into, size_t room)
{
    pthread_mutex_lock(&decompressor->lock);
    ssize_t got = (ssize_t)ring_take(&decompressor->out, into, room);
    if (got > 0)
        pthread_cond_signal(&decompressor->changed);
    else if (decompressor->out_ended)
        got = decompressor->fault ? STREAM_REFUSED : STREAM_END;
    else
        got = STREAM_WAIT;
    decompressor->loop_waits = got == STREAM_WAIT;
    pthread_mutex_unlock(&decompressor->lock);
    return got;
}

enum decompress_fault decompressor_fault(struct decompressor *decompressor)
{
    pthread_mutex_lock(&decompressor->lock);
    enum decompress_fault fault = decompressor->fault;
    pthread_mutex_unlock(&decompressor->lock);
    return fault;
}
