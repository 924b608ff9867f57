/* SPDX-License-Identifier: Apache-2.0 */
/* An errand waits in one queue, is run by the first helper that is free, and goes back to its loop
 * as a task:
 *
 *     errands_send() -> queue -> helper: run() -> task_send() -> loop: done()
 *
 * One whose strand is busy is passed over until that is free. */
#include "intake/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct helper {
    struct errands *errands;
    pthread_t thread;
    const struct loop *loop; /* whose errand it runs; NULL: none */
};

struct errands {
    pthread_mutex_t lock;    /* over all that follows */
    pthread_cond_t sent;     /* there is another one that may run, or the end */
    pthread_cond_t returned; /* a helper has nothing more to do with one */
    struct errand *first;
    struct errand **end; /* where the next one is to be linked */
    bool ending;
    unsigned count;
    struct helper helpers[];
};

static bool may_run(const struct errand *errand)
{
    return !errand->strand || !errand->strand->busy;
}

/* Where the first one is linked that may run now; where there is none, NULL is. */
static struct errand **find_next(struct errands *errands)
{
    struct errand **place = &errands->first;
    while (*place && !may_run(*place))
        place = &(*place)->next;
    return place;
}

static struct errand *take(struct errands *errands, struct errand **place)
{
    struct errand *errand = *place;
    *place = errand->next;
    if (!errand->next)
        errands->end = place;
    if (errand->strand)
        errand->strand->busy = true;
    return errand;
}

/* NULL: no more will come. What was sent before the end is still run. */
static struct errand *await_next(struct errands *errands)
{
    while (!*find_next(errands)) {
        if (errands->ending && !errands->first)
            return NULL;
        pthread_cond_wait(&errands->sent, &errands->lock);
    }
    return take(errands, find_next(errands));
}

/* Nobody is woken under the lock: whoever that is would want it next. */
static void run_one(struct helper *helper, struct errand *errand)
{
    struct errands *errands = helper->errands;
    bool more = *find_next(errands) != NULL; /* it may have waited for a strand: nobody was told */
    helper->loop = errand->loop;
    pthread_mutex_unlock(&errands->lock);
    if (more)
        pthread_cond_signal(&errands->sent);
    errand->run(errand);
    pthread_mutex_lock(&errands->lock);
    if (errand->strand)
        errand->strand->busy = false;
    pthread_mutex_unlock(&errands->lock);
    task_send(errand->loop, &errand->back); /* from here on it may be gone, and its strand, too */
    pthread_mutex_lock(&errands->lock);
    helper->loop = NULL;
    pthread_cond_broadcast(&errands->returned);
}

static void *help(void *context)
{
    struct helper *helper = context;
    struct errands *errands = helper->errands;
    pthread_mutex_lock(&errands->lock);
    for (struct errand *errand; (errand = await_next(errands));)
        run_one(helper, errand);
    pthread_cond_broadcast(&errands->sent); /* who waited for a strand of the last ones */
    pthread_mutex_unlock(&errands->lock);
    return NULL;
}

/* A new thread has its maker's mask: signals are for the thread that waits for them. */
static bool start_helpers(struct errands *errands, unsigned threads)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = true;
    while (good && errands->count < threads) {
        struct helper *helper = &errands->helpers[errands->count];
        helper->errands = errands;
        good = pthread_create(&helper->thread, NULL, help, helper) == 0;
        errands->count += good;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

struct errands *errands_new(unsigned threads)
{
    struct errands *errands = calloc(1, sizeof *errands + threads * sizeof errands->helpers[0]);
    if (!errands)
        return NULL;
    errands->end = &errands->first;
    pthread_mutex_init(&errands->lock, NULL);
    pthread_cond_init(&errands->sent, NULL);
    pthread_cond_init(&errands->returned, NULL);
    if (!start_helpers(errands, threads)) {
        errands_free(errands);
        return NULL;
    }
    return errands;
}

static void come_back(struct task *task)
{
    struct errand *errand = (struct errand *)((char *)task - offsetof(struct errand, back));
    errand->done(errand);
}

void errands_send(struct errands *errands, struct loop *loop, struct errand *errand)
{
    errand->loop = loop;
    errand->back = (struct task){.run = come_back};
    errand->next = NULL;
    pthread_mutex_lock(&errands->lock);
    *errands->end = errand;
    errands->end = &errand->next;
    bool now = may_run(errand);
    pthread_mutex_unlock(&errands->lock);
    if (now)
        pthread_cond_signal(&errands->sent);
}

static bool any_is_out(const struct errands *errands, const struct loop *loop)
{
    for (const struct errand *errand = errands->first; errand; errand = errand->next)
        if (errand->loop == loop)
            return true;
    for (unsigned i = 0; i < errands->count; i++)
        if (errands->helpers[i].loop == loop)
            return true;
    return false;
}

static void wait_until_back(struct errands *errands, const struct loop *loop)
{
    pthread_mutex_lock(&errands->lock);
    while (any_is_out(errands, loop))
        pthread_cond_wait(&errands->returned, &errands->lock);
    pthread_mutex_unlock(&errands->lock);
}

void errands_settle(struct errands *errands, struct loop *loop)
{
    do {
        wait_until_back(errands, loop);
    } while (loop_run_sent(loop));
}

void errands_free(struct errands *errands)
{
    if (!errands)
        return;
    pthread_mutex_lock(&errands->lock);
    errands->ending = true;
    pthread_cond_broadcast(&errands->sent);
    pthread_mutex_unlock(&errands->lock);
    for (unsigned i = 0; i < errands->count; i++)
        pthread_join(errands->helpers[i].thread, NULL);
    pthread_cond_destroy(&errands->returned);
    pthread_cond_destroy(&errands->sent);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
}
