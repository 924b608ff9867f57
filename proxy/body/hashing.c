/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the digests of an upload in the thread pool. Each block has one job per digest, and each
 * digest has its own strand:
 *
 *     put -> block -> jobs -> threads: update -> back in the loop: the last job frees the block
 *
 * While jobs of a block run, the threads may read the block. Everything else belongs to the loop's
 * thread. A spliced block has one pipe per digest:
 *
 *     client's socket -> inlet, the first digest's pipe -> the other digests' pipes
 *                                                       -> the pipe to Glance
 */
#include "body/hashing.h"

#include "intake/block_sums.h"
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/thread_pool.h"
#include "net/pipe.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

/* Up to this many bytes are hashed at once in the loop's thread: handing them to another thread
 * takes about as long. */
enum { INLINE_MAX = 16 * 1024 };

/* Bytes that a thread reads from a pipe at a time. They fit into the processor's cache. */
enum { READ_CHUNK = 64 * 1024 };

static _Atomic uint64_t spent_ns; /* of all threads */

static atomic_uint pipes; /* open pipes of all workers, at most HASHING_PIPES */

struct digest_queue {
    struct digest *digest; /* of the set */
    struct strand strand;
};

struct hashing {
    struct digests *set;
    struct block_sums *sums; /* updated with the first digest; NULL: none */
    struct digest_queue queues[DIGESTS_MAX];
    size_t queue_count;
    struct thread_pool *threads;
    struct loop *loop;
    void (*wake)(void *context);
    void *context;
    struct hash_block *inlet; /* its pipes are open and empty; NULL: none */
    unsigned blocks;          /* blocks whose jobs are not done */
    bool waits_for_block;     /* the owner was told to wait until a block is done */
    bool waits_for_end;       /* the owner was told to wait until all blocks are done */
    bool freed;               /* to be freed when all blocks are done */
};

struct hash_job {
    struct job job; /* first: struct job is cast to this */
    struct hash_block *block;
    struct digest_queue *queue;
    struct pipe pipe; /* NO_PIPE: the bytes are in the block */
};

struct hash_block {
    struct hashing *hashing;
    struct hash_job jobs[DIGESTS_MAX];
    unsigned jobs_left; /* jobs that are not done */
    unsigned pipes;     /* counted in the global `pipes` */
    size_t count;
    char bytes[];
};

static struct hash_block *block_new(struct hashing *hashing, size_t room)
{
    struct hash_block *block = malloc(sizeof *block + room);
    if (!block)
        return NULL;
    block->hashing = hashing;
    block->jobs_left = block->pipes = 0;
    for (size_t i = 0; i < DIGESTS_MAX; i++)
        block->jobs[i].pipe = NO_PIPE;
    return block;
}

static void block_free(struct hash_block *block)
{
    if (!block)
        return;
    for (size_t i = 0; i < DIGESTS_MAX; i++)
        pipe_close(&block->jobs[i].pipe);
    atomic_fetch_sub(&pipes, block->pipes);
    free(block);
}

struct hashing *hashing_new(struct digests *set, struct thread_pool *threads, struct loop *loop,
                            void (*wake)(void *context), void *context)
{
    struct hashing *hashing = calloc(1, sizeof *hashing);
    if (!hashing) {
        digests_free(set);
        return NULL;
    }
    hashing->set = set;
    for (struct digest *digest; (digest = digests_at(set, hashing->queue_count));)
        hashing->queues[hashing->queue_count++].digest = digest;
    hashing->threads = threads;
    hashing->loop = loop;
    hashing->wake = wake;
    hashing->context = context;
    return hashing;
}

struct digests *hashing_set(struct hashing *hashing)
{
    return hashing->set;
}

void hashing_keep_sums(struct hashing *hashing, uint64_t length)
{
    if (hashing->queue_count)
        hashing->sums = block_sums_new(length);
}

const struct block_sums *hashing_sums(const struct hashing *hashing)
{
    return hashing->sums;
}

static void end(struct hashing *hashing)
{
    digests_free(hashing->set);
    block_sums_free(hashing->sums);
    block_free(hashing->inlet);
    free(hashing);
}

void hashing_free(struct hashing *hashing)
{
    if (!hashing)
        return;
    hashing->freed = true;
    if (!hashing->blocks)
        end(hashing);
}

/* --- in the thread pool ---------------------------------------------------------------- */

/* The checksums are computed while the bytes are in the processor's cache for the first digest. */
static void update(const struct hash_job *hash_job, const char *bytes, size_t count)
{
    const struct hashing *hashing = hash_job->block->hashing;
    digest_update(hash_job->queue->digest, bytes, count);
    if (hashing->sums && hash_job->queue == hashing->queues)
        block_sums_add(hashing->sums, bytes, count);
}

/* The whole block is in the pipe. If bytes were missing, the digest would be wrong and the
 * comparison would fail. */
static void hash_pipe(const struct hash_job *hash_job)
{
    char chunk[READ_CHUNK];
    size_t left = hash_job->block->count;
    ssize_t got;
    while (left && (got = read(hash_job->pipe.ends[0], chunk, MIN(left, sizeof chunk))) > 0) {
        update(hash_job, chunk, (size_t)got);
        left -= (size_t)got;
    }
}

static uint64_t thread_ns(void)
{
    struct timespec used = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

uint64_t body_hashing_ns(void)
{
    return atomic_load(&spent_ns);
}

static void hash(struct job *job)
{
    const struct hash_job *hash_job = (const struct hash_job *)job;
    uint64_t began = thread_ns();
    if (hash_job->pipe.ends[0] >= 0)
        hash_pipe(hash_job);
    else
        update(hash_job, hash_job->block->bytes, hash_job->block->count);
    atomic_fetch_add(&spent_ns, thread_ns() - began);
}

static void wake_if_due(struct hashing *hashing)
{
    bool due = hashing->waits_for_block || (hashing->waits_for_end && !hashing->blocks);
    if (!due)
        return;
    hashing->waits_for_block = hashing->waits_for_end = false;
    hashing->wake(hashing->context);
}

static void hashed(struct job *job)
{
    struct hash_block *block = ((struct hash_job *)job)->block;
    struct hashing *hashing = block->hashing;
    if (--block->jobs_left)
        return;
    block_free(block);
    hashing->blocks--;
    if (!hashing->freed)
        wake_if_due(hashing);
    else if (!hashing->blocks)
        end(hashing);
}

static void send_jobs(struct hashing *hashing, struct hash_block *block)
{
    hashing->blocks++;
    for (; block->jobs_left < hashing->queue_count; block->jobs_left++) {
        struct digest_queue *queue = &hashing->queues[block->jobs_left];
        struct hash_job *hash_job = &block->jobs[block->jobs_left];
        hash_job->job = (struct job){.run = hash, .done = hashed, .strand = &queue->strand};
        hash_job->block = block;
        hash_job->queue = queue;
        thread_pool_send(hashing->threads, hashing->loop, &hash_job->job);
    }
}

/* --- what the owner calls -------------------------------------------------------------- */

size_t hashing_room(struct hashing *hashing)
{
    if (!hashing->queue_count || !hashing->threads)
        return SIZE_MAX;
    if (hashing->blocks < HASHING_BLOCKS)
        return HASHING_BLOCK;
    hashing->waits_for_block = true;
    return 0;
}

bool hashing_put(struct hashing *hashing, const char *bytes, size_t count)
{
    bool hash_now = !hashing->threads || (count <= INLINE_MAX && !hashing->blocks);
    if (!hashing->queue_count || hash_now) {
        uint64_t began = thread_ns();
        digests_update(hashing->set, bytes, count);
        if (hashing->sums)
            block_sums_add(hashing->sums, bytes, count);
        atomic_fetch_add(&spent_ns, thread_ns() - began);
        return true;
    }
    struct hash_block *block = block_new(hashing, count);
    if (!block)
        return false;
    block->count = count;
    memcpy(block->bytes, bytes, count);
    send_jobs(hashing, block);
    return true;
}

static bool open_pipes(struct hash_block *block, unsigned count)
{
    unsigned before = atomic_fetch_add(&pipes, count);
    block->pipes = count;
    bool good = before + count <= HASHING_PIPES;
    for (unsigned i = 0; good && i < count; i++)
        good = pipe_open(&block->jobs[i].pipe);
    return good;
}

int hashing_inlet(struct hashing *hashing)
{
    if (!hashing->threads || !hashing->queue_count || hashing->blocks == HASHING_BLOCKS)
        return -1;
    struct hash_block *block = block_new(hashing, 0);
    if (!block || !open_pipes(block, (unsigned)hashing->queue_count)) {
        block_free(block);
        return -1;
    }
    hashing->inlet = block;
    return block->jobs[0].pipe.ends[1];
}

void hashing_close_inlet(struct hashing *hashing)
{
    block_free(hashing->inlet);
    hashing->inlet = NULL;
}

static bool tee_block(const struct hash_block *block, int pipe)
{
    return tee(block->jobs[0].pipe.ends[0], pipe, block->count, SPLICE_F_NONBLOCK) ==
           (ssize_t)block->count;
}

bool hashing_pass_on(struct hashing *hashing, int pipe, size_t count)
{
    struct hash_block *block = hashing->inlet;
    hashing->inlet = NULL;
    block->count = count;
    bool good = tee_block(block, pipe);
    for (size_t i = 1; good && i < hashing->queue_count; i++)
        good = tee_block(block, block->jobs[i].pipe.ends[1]);
    if (good)
        send_jobs(hashing, block);
    else
        block_free(block);
    return good;
}

bool hashing_is_over(struct hashing *hashing)
{
    hashing->waits_for_end = hashing->blocks > 0;
    return !hashing->blocks;
}
