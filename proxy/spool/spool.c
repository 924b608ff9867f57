/* SPDX-License-Identifier: Apache-2.0 */
/* One block goes between the loop and the helpers. While `busy` the block and the file are a
 * helper's, else the loop's:
 *
 *     filled:  room, put ... block full -> write_block     (the file is opened by the first)
 *     ended:   what is left -> write_block                 (unless nothing was written before)
 *     read:    block read empty -> read_block
 *     let go:  close_file -> the space is given back
 *
 * A fault lets go of the file at once, so that others have its space before the upload is over. */
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
    struct job job; /* first: it leads back here */
    struct spools *spools;
    struct loop *loop;
    uint64_t limit;
    void (*wake)(void *context);
    void *context;

    uint64_t size;     /* put */
    uint64_t reserved; /* of what all spools may hold; until the file is closed */
    uint64_t written;  /* in the file */
    uint64_t read;     /* of the file, up to the end of the block */
    size_t held;       /* in the block */
    size_t taken;      /* of these, given out */
    enum spool_fault fault;
    bool ended;
    bool busy;    /* an errand is under way */
    bool waiting; /* somebody was told to wait for it */
    bool freed;   /* goes away when it is back */

    int fd;    /* -1: nothing is on disk */
    int error; /* errno of the last errand; 0: it went well */
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

/* True: a helper has it, and the caller's caller is told to wait. */
static bool must_wait(struct spool *spool)
{
    spool->waiting |= spool->busy;
    return spool->busy;
}

static void send_helper(struct spool *spool, void (*run)(struct job *job),
                        void (*done)(struct job *job))
{
    spool->busy = true;
    spool->job.run = run;
    spool->job.done = done;
    thread_pool_send(spool->spools->thread_pool, spool->loop, &spool->job);
}

/* --- the end --------------------------------------------------------------------------- */

/* The last reference to a file without a name: freeing 100 GB of blocks may take the disk long. */
static void close_file(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    close(spool->fd);
}

static void give_back(struct spool *spool)
{
    spools_give_back(spool->spools, spool->reserved);
    spool->reserved = 0;
}

static void closed_file(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    spool->busy = false;
    spool->fd = -1;
    give_back(spool);
    if (spool->freed)
        free(spool);
}

/* The space comes back now, if there is no file; or when that is closed. */
static void let_go(struct spool *spool)
{
    if (spool->fd < 0)
        give_back(spool);
    else
        send_helper(spool, close_file, closed_file);
}

void spool_free(struct spool *spool)
{
    if (!spool)
        return;
    spool->freed = true;
    if (spool->busy)
        return;
    let_go(spool);
    if (!spool->busy)
        free(spool);
}

static void fail(struct spool *spool, enum spool_fault fault)
{
    spool->fault = fault;
    let_go(spool);
}

/* --- to the disk, and from there -------------------------------------------------------- */

static enum spool_fault judge(const struct spool *spool)
{
    bool full = spool->error == ENOSPC || spool->error == EDQUOT;
    log_say(full ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
            "an upload's bytes could not be kept in spool_dir %s: %s", spool->directory,
            strerror(spool->error));
    if (spool->error == ENOMEM)
        return SPOOL_NO_MEMORY;
    return full ? SPOOL_FULL : SPOOL_BROKEN;
}

/* The block and the file are the loop's again. */
static void come_back(struct spool *spool)
{
    bool waiting = spool->waiting;
    spool->busy = spool->waiting = false;
    enum spool_fault fault = spool->error ? judge(spool) : SPOOL_GOOD;
    if (spool->freed) {
        spool_free(spool); /* what it could not do before */
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

static void wrote_block(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    spool->written += spool->held;
    spool->held = 0;
    come_back(spool);
}

static void read_block(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    size_t count = MIN(spool->written - spool->read, sizeof spool->block);
    bool good = spool_file_read(spool->fd, spool->block, count, spool->read);
    spool->error = good ? 0 : errno;
    spool->held = count;
}

static void have_read_block(struct job *job)
{
    struct spool *spool = (struct spool *)job;
    spool->read += spool->held;
    spool->taken = 0;
    come_back(spool);
}

static void write_out(struct spool *spool)
{
    if (!spools_take(spool->spools, spool->held, spool->limit)) {
        fail(spool, SPOOL_FULL);
        return;
    }
    spool->reserved += spool->held;
    send_helper(spool, write_block, wrote_block);
}

/* --- what its owner calls -------------------------------------------------------------- */

char *spool_room(struct spool *spool, size_t *room)
{
    if (!spool->fault && !spool->busy && sizeof spool->block - spool->held < SPOOL_ROOM_MIN)
        write_out(spool);
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

bool spool_end(struct spool *spool)
{
    if (!spool->ended && !spool->fault && !spool->busy && spool->written > 0 && spool->held > 0)
        write_out(spool);
    if (spool->fault || (!spool->ended && must_wait(spool)))
        return false;
    spool->ended = true;
    return true;
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->size;
}

enum spool_fault spool_fault(const struct spool *spool)
{
    return spool->fault;
}

ssize_t spool_read(struct spool *spool, void *into, size_t room)
{
    if (spool->fault || must_wait(spool))
        return STREAM_WAIT;
    size_t count = MIN(room, spool->held - spool->taken);
    memcpy(into, spool->block + spool->taken, count);
    spool->taken += count;
    /* The next block is fetched while these bytes are on their way. */
    if (spool->taken == spool->held && spool->read < spool->written)
        send_helper(spool, read_block, have_read_block);
    return count > 0 || !must_wait(spool) ? (ssize_t)count : STREAM_WAIT;
}
