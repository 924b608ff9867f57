/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that record what happens to them. Include after <cmocka.h>. */
#ifndef EVENT_THREAD_POOL_JOBS_H
#define EVENT_THREAD_POOL_JOBS_H

#include "intake/thread_pool.h"

enum { HELPERS = 3 };

static struct loop *loop;
static struct thread_pool *thread_pool;

static inline int set_up_with(unsigned helpers)
{
    alarm(60); /* an endless wait fails, too */
    loop = loop_new();
    thread_pool = thread_pool_new(helpers);
    return loop && thread_pool ? 0 : -1;
}

static inline int set_up(void **state)
{
    (void)state;
    return set_up_with(HELPERS);
}

static inline int set_up_one(void **state)
{
    (void)state;
    return set_up_with(1);
}

static inline int tear_down(void **state)
{
    (void)state;
    thread_pool_free(thread_pool);
    loop_free(loop);
    alarm(0);
    return 0;
}

/* --- a job that records its outcome ----------------------------------------------------------- */

struct trip {
    struct job job; /* first */
    pthread_t ran_in;
    pthread_t done_in;
    unsigned ran, done;
    unsigned again;         /* `done` sends it so often */
    bool last;              /* `done` stops the loop */
    pthread_barrier_t *all; /* the job waits for so many others */
};

static inline struct trip *of(struct job *job)
{
    return (struct trip *)job;
}

static inline void trip_run(struct job *job)
{
    of(job)->ran_in = pthread_self();
    of(job)->ran++;
    if (of(job)->all)
        pthread_barrier_wait(of(job)->all);
}

static inline void trip_done(struct job *job)
{
    of(job)->done_in = pthread_self();
    of(job)->done++;
    if (of(job)->again && of(job)->again--)
        thread_pool_send(thread_pool, job->loop, job);
    else if (of(job)->last)
        loop_stop(job->loop);
}

static inline struct trip make_trip(void)
{
    return (struct trip){.job = {.run = trip_run, .done = trip_done}};
}

#endif
