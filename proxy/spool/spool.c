/* SPDX-License-Identifier: Apache-2.0 */
/* Passes one block between the loop and the thread pool. While `busy`, the block and the file
 * belong to a thread of the pool, else to the loop's thread:
 *
 *     fill:     room, put ... block full -> write_block     (the first one opens the file)
 *     end:      the last bytes -> write_block               (unless nothing was written before)
 *     read:     block empty -> read_block
 *     release:  close_file -> the reservation is released
 *
 * After a fault the file is closed at once, so that other uploads can use its space before this one
 * has ended. */
#include "intake/log.h"
#include "intake/stream.h"
#include "intake/thread_pool.h"
#include "spool/spool_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

struct spool {
    struct job job; /* first: struct job is cast to this */
    struct spools *spools;
    struct loop *loop;
    uint64_t limit;
    void (*wake)(void *context);
    void *context;

    uint64_t size;     /* bytes put */
    uint64_t reserved; /* bytes of the limit of all spools, until the file is closed */
    uint64_t written;  /* bytes in the file */
    uint64_t read;     /* bytes read from the file, up to the end of the block */
    size_t held;       /* bytes in the block */
    size_t consumed;   /* bytes of the block that the owner has read */
    enum spool_fault fault;
    bool ended;
    bool rewound; /* read from the beginning, when the running job is done */
    bool busy;    /* a job is running */
    bool waiting; /* the owner was told to wait for the job */
    bool freed;   /* to be freed when the job is done */

    int fd;    /* -1: no file */
    int error; /* errno of the last job; 0: success */
    char block[SPOOL_BLOCK];
    char directory[];
};

struct spool *spool_new(struct spools *spools, struct loop *loop, const char *directory,
                        uint64_t limit, void (*wake)(void *context), void *context)
{
    size_t length = strlen(directory) + 1;
    struct spool *spool = calloc(1, sizeof *spool + length);
    if (!spool)
        return NULL;
    spool->spools = spools;
    spool->loop = loop;
    spool->limit = limit;
    spool->wake = wake;
    spool->context = context;
    spool->fd = -1;
    memcpy(spool->directory, directory, length);
    return spool;
}

/* True: a job is running, and the owner is told to wait. */
static bool must_wait(struct spool *spool)
{
    spool->waiting |= spool->busy;
    return spool->busy;
}

static void send_job(struct spool *spool, void (*run)(struct job *job),
                     void (*done)(struct job *job))
{
    spool->busy = true;
    spool->job.run = run;
    spool->job.done = done;
    thread_pool_send(spool->spools->thread_pool, spool->loop, &spool->job);
}

/* --- release --------------------------------------------------------------------------- */

/* This is the last reference to the unlinked file. Freeing the blocks of 100 GB may take long. */
static void close_file(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    close(spool->fd);
}

static void release_reservation(struct spool *spool)
{
    spools_release(spool->spools, spool->reserved);
    spool->reserved = 0;
}

static void close_done(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    spool->busy = false;
    spool->fd = -1;
    release_reservation(spool);
    if (spool->freed)
        free(spool);
}

/* Releases the reservation: now if there is no file, else when the file is closed. */
static void release_file(struct spool *spool)
{
    if (spool->fd < 0)
        release_reservation(spool);
    else
        send_job(spool, close_file, close_done);
}

void spool_free(struct spool *spool)
{
    if (!spool)
        return;
    spool->freed = true;
    if (spool->busy)
        return;
    release_file(spool);
    if (!spool->busy)
        free(spool);
}

static void fail(struct spool *spool, enum spool_fault fault)
{
    spool->fault = fault;
    release_file(spool);
}

/* --- jobs that write and read ---------------------------------------------------------- */

static enum spool_fault classify_error(const struct spool *spool)
{
    bool full = spool->error == ENOSPC || spool->error == EDQUOT;
    log_say(full ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
            "an upload's bytes could not be kept in spool_dir %s: %s", spool->directory,
            strerror(spool->error));
    if (spool->error == ENOMEM)
        return SPOOL_NO_MEMORY;
    return full ? SPOOL_FULL : SPOOL_BROKEN;
}

/* A job is done: the block and the file belong to the loop's thread again. */
static void job_done(struct spool *spool)
{
    bool waiting = spool->waiting;
    spool->busy = spool->waiting = false;
    enum spool_fault fault = spool->error ? classify_error(spool) : SPOOL_GOOD;
    if (spool->freed) {
        spool_free(spool); /* it was called while the job was running */
        return;
    }
    if (fault)
        fail(spool, fault);
    if (waiting)
        spool->wake(spool->context);
}

static void write_block(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    if (spool->fd < 0)
        spool->fd = spool_file_open(spool->directory);
    bool good =
        spool->fd >= 0 && spool_file_write(spool->fd, spool->block, spool->held, spool->written);
    spool->error = good ? 0 : errno;
}

static void write_done(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    if (!spool->error)
        spool->written += spool->held;
    spool->held = 0;
    job_done(spool);
}

static void read_block(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    size_t count = MIN(spool->written - spool->read, sizeof spool->block);
    bool good = spool_file_read(spool->fd, spool->block, count, spool->read);
    spool->error = good ? 0 : errno;
    spool->held = count;
}

/* If nothing was written, the block has all bytes. */
static void rewind_now(struct spool *spool)
{
    spool->rewound = false;
    spool->consumed = 0;
    spool->read = 0;
    if (spool->written > 0)
        spool->held = 0;
}

static void read_done(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    spool->read += spool->held;
    spool->consumed = 0;
    if (spool->rewound)
        rewind_now(spool);
    job_done(spool);
}

static void start_write(struct spool *spool)
{
    if (!spool_reserve(spool, spool->written + spool->held))
        fail(spool, SPOOL_FULL);
    else
        send_job(spool, write_block, write_done);
}

/* What stays in the block needs no space on disk. */
static void release_excess(struct spool *spool)
{
    spools_release(spool->spools, spool->reserved - spool->written);
    spool->reserved = spool->written;
}

/* --- what its owner calls -------------------------------------------------------------- */

void spool_adopt(struct spool *spool, int fd, uint64_t size)
{
    spool->fd = fd;
    spool->size = spool->written = spool->reserved = size;
    spools_count(spool->spools, size);
}

bool spool_reserve(struct spool *spool, uint64_t size)
{
    if (size <= spool->reserved)
        return true;
    if (!spools_reserve(spool->spools, size - spool->reserved, spool->limit))
        return false;
    spool->reserved = size;
    return true;
}

char *spool_room(struct spool *spool, size_t *room)
{
    if (!spool->fault && !spool->busy && sizeof spool->block - spool->held < SPOOL_ROOM_MIN)
        start_write(spool);
    if (spool->fault || must_wait(spool))
        return NULL;
    *room = sizeof spool->block - spool->held;
    return spool->block + spool->held;
}

void spool_put(struct spool *spool, size_t count)
{
    spool->held += count;
    spool->size += count;
}

bool spool_flush(struct spool *spool)
{
    if (!spool->fault && !spool->busy && spool->held > 0)
        start_write(spool);
    return !spool->fault && !must_wait(spool);
}

bool spool_end(struct spool *spool)
{
    if (!spool->ended && !spool->fault && !spool->busy && spool->written > 0 && spool->held > 0)
        start_write(spool);
    if (spool->fault || (!spool->ended && must_wait(spool)))
        return false;
    if (!spool->ended)
        release_excess(spool);
    spool->ended = true;
    return true;
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->size;
}

uint64_t spool_written(const struct spool *spool)
{
    return spool->written;
}

enum spool_fault spool_fault(const struct spool *spool)
{
    return spool->fault;
}

void spool_rewind(struct spool *spool)
{
    if (spool->busy)
        spool->rewound = true;
    else
        rewind_now(spool);
}

ssize_t spool_read(struct spool *spool, void *into, size_t room)
{
    if (spool->fault || must_wait(spool))
        return STREAM_WAIT;
    size_t count = MIN(room, spool->held - spool->consumed);
    memcpy(into, spool->block + spool->consumed, count);
    spool->consumed += count;
    /* Read ahead: the next block is read while these bytes are sent. */
    if (spool->consumed == spool->held && spool->read < spool->written)
        send_job(spool, read_block, read_done);
    return count > 0 || !must_wait(spool) ? (ssize_t)count : STREAM_WAIT;
}
