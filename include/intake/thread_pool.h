/* SPDX-License-Identifier: Apache-2.0 */
/* A thread pool for jobs that may block, such as disk access, or take long, such as digests. All
 * workers share it. A loop never waits for a job. */
#ifndef INTAKE_THREAD_POOL_H
#define INTAKE_THREAD_POOL_H

#include "intake/loop.h"

struct thread_pool;

/* Jobs of one strand are run one at a time, in the order they were sent. Zero-initialise. A strand
 * must live until its last job is done. */
struct strand {
    bool busy; /* owned by the pool */
};

/* Embedded in the structure that it serves, which must live until `done` is called.
 * Zero-initialise, then set the first two or three members. */
struct job {
    void (*run)(struct job *job);  /* called in a thread of the pool */
    void (*done)(struct job *job); /* called afterwards, in the thread of the loop that sent it */
    struct strand *strand;         /* NULL: it does not wait for other jobs */
    struct loop *loop;             /* this and the members below are owned by the pool */
    struct task done_task;
    struct job *next;
};

/* A pool of 1 to `max` threads. It begins with one, and starts another when a job would have to
 * wait. NULL: no memory, or no thread can be started. Owned by the caller. */
struct thread_pool *thread_pool_new(unsigned max);

/* Sends a job. Never waits for one. Jobs of all loops are run in the order they were sent, at most
 * `max` at a time, as strands allow. A job must not be sent again before its `done` has
 * begun. */
void thread_pool_send(struct thread_pool *pool, struct loop *loop, struct job *job);

/* Waits until every job of `loop` has been run, and calls their `done`. Waits for jobs that these
 * send, too. Call it in the loop's thread, or after that thread has ended. */
void thread_pool_settle(struct thread_pool *pool, struct loop *loop);

/* Call thread_pool_settle() for every loop before. NULL is fine. */
void thread_pool_free(struct thread_pool *pool);

#endif
