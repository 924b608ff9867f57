/* SPDX-License-Identifier: Apache-2.0 */
/* Work that may block, such as a disk's, or take long, such as a digest's, done beside the workers'
 * loops by a few helper threads that all workers share. A loop never waits for one. */
#ifndef INTAKE_THREAD_POOL_H
#define INTAKE_THREAD_POOL_H

#include "intake/loop.h"

struct thread_pool;

/* Errands of one strand are run one after the other, in the order they were sent. Zero-initialise;
 * it must live until the last of them is done. */
struct strand {
    bool busy; /* the helpers' */
};

/* Embedded in what it serves, which must live until `done`. Zero-initialise, then set the first two
 * or three. */
struct job {
    void (*run)(struct job *job);  /* in a helper thread */
    void (*done)(struct job *job); /* afterwards, in the thread of the loop that sent it */
    struct strand *strand;         /* NULL: it need not wait for any other */
    struct loop *loop;             /* this and the rest: the helpers' */
    struct task back;
    struct job *next;
};

/* NULL: no memory, or no thread. */
struct thread_pool *thread_pool_new(unsigned threads);

/* Of all loops, in the order they were sent, as many at a time as there are threads (and strands
 * allow). Never blocks; not again before its `done` has begun. */
void thread_pool_send(struct thread_pool *thread_pool, struct loop *loop, struct job *job);

/* Waits until every errand of `loop` is back, and runs their `done` (and what these send). Called
 * in the loop's thread, or once that has ended. */
void thread_pool_settle(struct thread_pool *thread_pool, struct loop *loop);

/* Every loop must have been settled. NULL is fine. */
void thread_pool_free(struct thread_pool *thread_pool);

#endif
