/* SPDX-License-Identifier: Apache-2.0 */
/* A thread pool that all workers share. A job waits in one queue. The first free thread runs it,
 * and returns it to its loop as a task:
 *
 *     thread_pool_send() -> queue -> thread: run() -> task_send() -> loop: done()
 *
 * A job whose strand is busy is skipped until the strand is free.
 *
 * A thread is started when there are more jobs than threads that wait for one. Most servers need
 * few of them. */
#include "intake/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct pool_thread {
    struct thread_pool *pool;
    pthread_t thread;
    const struct loop *loop; /* the loop whose job it runs; NULL: none */
};

struct thread_pool {
    pthread_mutex_t lock;    /* guards all members below */
    pthread_cond_t sent;     /* another job may run, or `ending` was set */
    pthread_cond_t returned; /* a thread has finished with a job */
    struct job *first;
    struct job **end; /* where the next job is linked */
    unsigned jobs;    /* in the queue */
    unsigned waiting; /* threads without a job */
    bool ending;
    unsigned count; /* threads that were started; at most `max` */
    unsigned max;
    struct pool_thread threads[];
};

static bool may_run(const struct job *job)
{
    return !job->strand || !job->strand->busy;
}

/* Returns the link to the first job that may run now. It points to NULL if there is none. */
static struct job **find_next(struct thread_pool *pool)
{
    struct job **place = &pool->first;
    while (*place && !may_run(*place))
        place = &(*place)->next;
    return place;
}

static struct job *take(struct thread_pool *pool, struct job **place)
{
    struct job *job = *place;
    *place = job->next;
    if (!job->next)
        pool->end = place;
    pool->jobs--;
    if (job->strand)
        job->strand->busy = true;
    return job;
}

/* NULL: the pool is ending and the queue is empty. Jobs sent before the end are still run. */
static struct job *await_next(struct thread_pool *pool)
{
    while (!*find_next(pool)) {
        if (pool->ending && !pool->first)
            return NULL;
        pool->waiting++;
        pthread_cond_wait(&pool->sent, &pool->lock);
        pool->waiting--;
    }
    return take(pool, find_next(pool));
}

/* The caller holds the lock. It is released before a thread is woken, because that one needs it. */
static void run_one(struct pool_thread *pool_thread, struct job *job)
{
    struct thread_pool *pool = pool_thread->pool;
    /* The next job may have waited for a strand. Nobody was signalled for it then. */
    bool more = *find_next(pool) != NULL;
    pool_thread->loop = job->loop;
    pthread_mutex_unlock(&pool->lock);
    if (more)
        pthread_cond_signal(&pool->sent);
    job->run(job);
    pthread_mutex_lock(&pool->lock);
    if (job->strand)
        job->strand->busy = false;
    pthread_mutex_unlock(&pool->lock);
    task_send(job->loop, &job->done_task); /* from here on the job and its strand may be freed */
    pthread_mutex_lock(&pool->lock);
    pool_thread->loop = NULL;
    pthread_cond_broadcast(&pool->returned);
}

static void *run_jobs(void *context)
{
    struct pool_thread *pool_thread = context;
    struct thread_pool *pool = pool_thread->pool;
    pthread_mutex_lock(&pool->lock);
    for (struct job *job; (job = await_next(pool));)
        run_one(pool_thread, job);
    pthread_cond_broadcast(&pool->sent); /* for threads that wait for a strand of the last jobs */
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The new thread inherits the signal mask, and blocks all signals: the main thread waits for them.
 * The caller holds the lock, or is the only one who knows the pool. */
static bool start_thread(struct thread_pool *pool)
{
    struct pool_thread *pool_thread = &pool->threads[pool->count];
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pool_thread->pool = pool;
    bool good = pthread_create(&pool_thread->thread, NULL, run_jobs, pool_thread) == 0;
    pool->count += good;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

struct thread_pool *thread_pool_new(unsigned max)
{
    struct thread_pool *pool = calloc(1, sizeof *pool + max * sizeof pool->threads[0]);
    if (!pool)
        return NULL;
    pool->max = max;
    pool->end = &pool->first;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->sent, NULL);
    pthread_cond_init(&pool->returned, NULL);
    if (!start_thread(pool)) {
        thread_pool_free(pool);
        return NULL;
    }
    return pool;
}

static void job_returned(struct task *task)
{
    struct job *job = CONTAINER_OF(task, struct job, done_task);
    job->done(job);
}

void thread_pool_send(struct thread_pool *pool, struct loop *loop, struct job *job)
{
    job->loop = loop;
    job->done_task = (struct task){.run = job_returned};
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->end = job;
    pool->end = &job->next;
    pool->jobs++;
    /* If no thread can be started, the job waits for one of those that there are. */
    if (pool->jobs > pool->waiting && pool->count < pool->max)
        start_thread(pool);
    bool now = may_run(job);
    pthread_mutex_unlock(&pool->lock);
    if (now)
        pthread_cond_signal(&pool->sent);
}

static bool has_jobs_of(const struct thread_pool *pool, const struct loop *loop)
{
    for (const struct job *job = pool->first; job; job = job->next)
        if (job->loop == loop)
            return true;
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->threads[i].loop == loop)
            return true;
    return false;
}

static void await_jobs_of(struct thread_pool *pool, const struct loop *loop)
{
    pthread_mutex_lock(&pool->lock);
    while (has_jobs_of(pool, loop))
        pthread_cond_wait(&pool->returned, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void thread_pool_settle(struct thread_pool *pool, struct loop *loop)
{
    do {
        await_jobs_of(pool, loop);
    } while (loop_run_sent(loop));
}

void thread_pool_free(struct thread_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->sent);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i].thread, NULL);
    pthread_cond_destroy(&pool->returned);
    pthread_cond_destroy(&pool->sent);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
