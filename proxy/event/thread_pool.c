/* SPDX-License-Identifier: Apache-2.0 */
/* An errand waits in one queue, is run by the first helper that is free, and goes back to its loop
 * as a task:
 *
 *     thread_pool_send() -> queue -> helper: run() -> task_send() -> loop: done()
 *
 * One whose strand is busy is passed over until that is free. */
#include "intake/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct helper {
    struct thread_pool *thread_pool;
    pthread_t thread;
    const struct loop *loop; /* whose errand it runs; NULL: none */
};

struct thread_pool {
    pthread_mutex_t lock;    /* over all that follows */
    pthread_cond_t sent;     /* there is another one that may run, or the end */
    pthread_cond_t returned; /* a helper has nothing more to do with one */
    struct job *first;
    struct job **end; /* where the next one is to be linked */
    bool ending;
    unsigned count;
    struct helper helpers[];
};

static bool may_run(const struct job *job)
{
    return !job->strand || !job->strand->busy;
}

/* Where the first one is linked that may run now; where there is none, NULL is. */
static struct job **find_next(struct thread_pool *thread_pool)
{
    struct job **place = &thread_pool->first;
    while (*place && !may_run(*place))
        place = &(*place)->next;
    return place;
}

static struct job *take(struct thread_pool *thread_pool, struct job **place)
{
    struct job *job = *place;
    *place = job->next;
    if (!job->next)
        thread_pool->end = place;
    if (job->strand)
        job->strand->busy = true;
    return job;
}

/* NULL: no more will come. What was sent before the end is still run. */
static struct job *await_next(struct thread_pool *thread_pool)
{
    while (!*find_next(thread_pool)) {
        if (thread_pool->ending && !thread_pool->first)
            return NULL;
        pthread_cond_wait(&thread_pool->sent, &thread_pool->lock);
    }
    return take(thread_pool, find_next(thread_pool));
}

/* Nobody is woken under the lock: whoever that is would want it next. */
static void run_one(struct helper *helper, struct job *job)
{
    struct thread_pool *thread_pool = helper->thread_pool;
    bool more =
        *find_next(thread_pool) != NULL; /* it may have waited for a strand: nobody was told */
    helper->loop = job->loop;
    pthread_mutex_unlock(&thread_pool->lock);
    if (more)
        pthread_cond_signal(&thread_pool->sent);
    job->run(job);
    pthread_mutex_lock(&thread_pool->lock);
    if (job->strand)
        job->strand->busy = false;
    pthread_mutex_unlock(&thread_pool->lock);
    task_send(job->loop, &job->back); /* from here on it may be gone, and its strand, too */
    pthread_mutex_lock(&thread_pool->lock);
    helper->loop = NULL;
    pthread_cond_broadcast(&thread_pool->returned);
}

static void *help(void *context)
{
    struct helper *helper = context;
    struct thread_pool *thread_pool = helper->thread_pool;
    pthread_mutex_lock(&thread_pool->lock);
    for (struct job *job; (job = await_next(thread_pool));)
        run_one(helper, job);
    pthread_cond_broadcast(&thread_pool->sent); /* who waited for a strand of the last ones */
    pthread_mutex_unlock(&thread_pool->lock);
    return NULL;
}

/* A new thread has its maker's mask: signals are for the thread that waits for them. */
static bool start_helpers(struct thread_pool *thread_pool, unsigned threads)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = true;
    while (good && thread_pool->count < threads) {
        struct helper *helper = &thread_pool->helpers[thread_pool->count];
        helper->thread_pool = thread_pool;
        good = pthread_create(&helper->thread, NULL, help, helper) == 0;
        thread_pool->count += good;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

struct thread_pool *thread_pool_new(unsigned threads)
{
    struct thread_pool *thread_pool =
        calloc(1, sizeof *thread_pool + threads * sizeof thread_pool->helpers[0]);
    if (!thread_pool)
        return NULL;
    thread_pool->end = &thread_pool->first;
    pthread_mutex_init(&thread_pool->lock, NULL);
    pthread_cond_init(&thread_pool->sent, NULL);
    pthread_cond_init(&thread_pool->returned, NULL);
    if (!start_helpers(thread_pool, threads)) {
        thread_pool_free(thread_pool);
        return NULL;
    }
    return thread_pool;
}

static void come_back(struct task *task)
{
    struct job *job = (struct job *)((char *)task - offsetof(struct job, back));
    job->done(job);
}

void thread_pool_send(struct thread_pool *thread_pool, struct loop *loop, struct job *job)
{
    job->loop = loop;
    job->back = (struct task){.run = come_back};
    job->next = NULL;
    pthread_mutex_lock(&thread_pool->lock);
    *thread_pool->end = job;
    thread_pool->end = &job->next;
    bool now = may_run(job);
    pthread_mutex_unlock(&thread_pool->lock);
    if (now)
        pthread_cond_signal(&thread_pool->sent);
}

static bool any_is_out(const struct thread_pool *thread_pool, const struct loop *loop)
{
    for (const struct job *job = thread_pool->first; job; job = job->next)
        if (job->loop == loop)
            return true;
    for (unsigned i = 0; i < thread_pool->count; i++)
        if (thread_pool->helpers[i].loop == loop)
            return true;
    return false;
}

static void wait_until_back(struct thread_pool *thread_pool, const struct loop *loop)
{
    pthread_mutex_lock(&thread_pool->lock);
    while (any_is_out(thread_pool, loop))
        pthread_cond_wait(&thread_pool->returned, &thread_pool->lock);
    pthread_mutex_unlock(&thread_pool->lock);
}

void thread_pool_settle(struct thread_pool *thread_pool, struct loop *loop)
{
    do {
        wait_until_back(thread_pool, loop);
    } while (loop_run_sent(loop));
}

void thread_pool_free(struct thread_pool *thread_pool)
{
    if (!thread_pool)
        return;
    pthread_mutex_lock(&thread_pool->lock);
    thread_pool->ending = true;
    pthread_cond_broadcast(&thread_pool->sent);
    pthread_mutex_unlock(&thread_pool->lock);
    for (unsigned i = 0; i < thread_pool->count; i++)
        pthread_join(thread_pool->helpers[i].thread, NULL);
    pthread_cond_destroy(&thread_pool->returned);
    pthread_cond_destroy(&thread_pool->sent);
    pthread_mutex_destroy(&thread_pool->lock);
    free(thread_pool);
}
