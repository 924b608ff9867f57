/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a worker. Each iteration runs the tasks and the prepare hooks, a few times if
 * they post more tasks. It sleeps in epoll unless one of them has more to do, calls the watches
 * that are ready, and fires the due timers. */
#include "intake/loop.h"

#include "event/timers.h"
#include "intake/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 128, HOOKS_MAX = 16, ROUNDS_MAX = 4 };

struct prepare_hook {
    bool (*run)(void *context);
    void *context;
};

struct loop {
    int epoll;
    struct watch wake;
    void (*woken)(void *context);
    void *woken_context;
    bool stopping;

    struct prepare_hook hooks[HOOKS_MAX];
    size_t hook_count;
    struct timers timers;
    struct list tasks; /* posted, in order */

    pthread_mutex_t lock;
    struct list sent; /* the same for tasks that other threads have sent; guarded by `lock` */

    /* The events being dispatched. A watch that is removed meanwhile is removed from here, too. */
    struct epoll_event batch[BATCH];
    int batch_count;
};

static uint32_t to_epoll(unsigned events)
{
    return (events & LOOP_READ ? EPOLLIN : 0U) | (events & LOOP_WRITE ? EPOLLOUT : 0U) |
           (events & LOOP_HANGUP ? EPOLLRDHUP : 0U) | (events & LOOP_EDGE ? EPOLLET : 0U);
}

static unsigned from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? LOOP_READ : 0U) | (events & EPOLLOUT ? LOOP_WRITE : 0U) |
           (events & EPOLLRDHUP ? LOOP_HANGUP : 0U) |
           (events & (EPOLLERR | EPOLLHUP) ? LOOP_ERROR | LOOP_HANGUP : 0U);
}

static void drain_wake(struct watch *watch, unsigned events)
{
    struct loop *loop = CONTAINER_OF(watch, struct loop, wake);
    (void)events;
    eventfd_t count;
    eventfd_read(watch->fd, &count);
    loop_run_sent(loop);
    if (loop->woken)
        loop->woken(loop->woken_context);
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    pthread_mutex_init(&loop->lock, NULL);
    loop->wake.ready = drain_wake;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->wake.fd < 0 || !watch_set(loop, &loop->wake, LOOP_READ)) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    if (loop->epoll >= 0)
        close(loop->epoll);
    timers_free(&loop->timers);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run_again(struct loop *loop)
{
    loop->stopping = false;
    loop_run(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_add_prepare_hook(struct loop *loop, bool (*run)(void *context), void *context)
{
    if (loop->hook_count == HOOKS_MAX)
        abort(); /* a bug: the callers are known at compile time */
    loop->hooks[loop->hook_count++] = (struct prepare_hook){run, context};
}

void loop_remove_prepare_hook(struct loop *loop, const void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->hook_count; i++)
        if (loop->hooks[i].context != context)
            loop->hooks[kept++] = loop->hooks[i];
    loop->hook_count = kept;
}

void loop_on_wake(struct loop *loop, void (*woken)(void *context), void *context)
{
    loop->woken = woken;
    loop->woken_context = context;
}

void loop_wake(struct loop *loop)
{
    eventfd_write(loop->wake.fd, 1);
}

/* --- watches --------------------------------------------------------------------------- */

static void forget_in_batch(struct loop *loop, const struct watch *watch)
{
    for (int i = 0; i < loop->batch_count; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
}

bool watch_set(struct loop *loop, struct watch *watch, unsigned events)
{
    if (events == watch->events)
        return true;
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
    int how = !events ? EPOLL_CTL_DEL : watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->epoll, how, watch->fd, &event) != 0 && events)
        return false;
    watch->events = events;
    if (!events)
        forget_in_batch(loop, watch);
    return true;
}

static void dispatch_events(struct loop *loop)
{
    for (int i = 0; i < loop->batch_count; i++) {
        struct watch *watch = loop->batch[i].data.ptr;
        if (!watch)
            continue;
        /* A watch called before may have changed which events this one asks for. */
        uint32_t asked = to_epoll(watch->events) | EPOLLERR | EPOLLHUP;
        unsigned events = from_epoll(loop->batch[i].events & asked);
        if (events)
            watch->ready(watch, events);
    }
    loop->batch_count = 0;
}

/* --- timers and tasks ------------------------------------------------------------------ */

bool timer_set(struct loop *loop, struct timer *timer, uint64_t ms)
{
    return timers_set(&loop->timers, timer, clock_ms() + ms);
}

void timer_cancel(struct loop *loop, struct timer *timer)
{
    timers_cancel(&loop->timers, timer);
}

void task_post(struct loop *loop, struct task *task)
{
    if (!list_is_linked(&task->place))
        list_append(&loop->tasks, &task->place);
}

void task_cancel(struct loop *loop, struct task *task)
{
    (void)loop;
    list_remove(&task->place);
}

/* NULL: the list is empty. */
static struct task *take_first(struct list *tasks)
{
    return LIST_TAKE_FIRST(tasks, struct task, place);
}

/* Runs the tasks that are posted now. Tasks that these post run in the next iteration. */
static void run_tasks(struct loop *loop)
{
    struct task last = {0};
    task_post(loop, &last);
    for (struct task *task; (task = take_first(&loop->tasks)) != &last;)
        task->run(task);
}

/* --- tasks from other threads ----------------------------------------------------------- */

/* Wakes the loop after unlocking, because its thread needs the lock at once. */
void task_send(struct loop *loop, struct task *task)
{
    pthread_mutex_lock(&loop->lock);
    list_append(&loop->sent, &task->place);
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
}

/* Moves all sent tasks to the empty list `taken`. */
static void take_sent(struct loop *loop, struct list *taken)
{
    pthread_mutex_lock(&loop->lock);
    for (struct task *task; (task = take_first(&loop->sent));)
        list_append(taken, &task->place);
    pthread_mutex_unlock(&loop->lock);
}

/* Tasks that are sent meanwhile wait for the next call. Otherwise a task that always sends another
 * one would block everything else in the loop. */
bool loop_run_sent(struct loop *loop)
{
    struct list taken = {0};
    take_sent(loop, &taken);
    bool any = !list_is_empty(&taken);
    for (struct task *task; (task = take_first(&taken));)
        task->run(task);
    return any;
}

/* --- the iteration --------------------------------------------------------------------- */

/* Tasks run before the hooks, which handle what tasks made ready. True: a hook has more to do. */
static bool run_round(struct loop *loop)
{
    bool more = false;
    run_tasks(loop);
    for (size_t i = 0; i < loop->hook_count; i++)
        more |= loop->hooks[i].run(loop->hooks[i].context);
    return more;
}

/* A request passes through several tasks, each of which posts the next one. They run without a
 * system call in between, but not for ever: the descriptors have their turn, too. True: the loop
 * must not sleep. */
static bool run_ready(struct loop *loop)
{
    bool more = run_round(loop);
    for (int i = 1; i < ROUNDS_MAX && !loop->stopping && !list_is_empty(&loop->tasks); i++)
        more = run_round(loop);
    return more || loop->stopping || !list_is_empty(&loop->tasks);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopping) {
        int sleep_ms = run_ready(loop) ? 0 : timers_sleep(&loop->timers, clock_ms());
        int count = epoll_wait(loop->epoll, loop->batch, BATCH, sleep_ms);
        loop->batch_count = count < 0 ? 0 : count; /* EINTR: an iteration without events */
        dispatch_events(loop);
        uint64_t now = clock_ms();
        for (struct timer *timer; (timer = timers_take_due(&loop->timers, now));)
            timer->fire(timer);
    }
}
