/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's event loop: watches for the readiness of descriptors, timers, and tasks, which are
 * calls deferred until the library that is calling us has returned.
 *
 * Only the loop's own thread may call these functions, except loop_wake() and task_send(). Watches,
 * timers and tasks are embedded in the structures that they serve. The owner of such a structure
 * removes them before it frees it. */
#ifndef INTAKE_LOOP_H
#define INTAKE_LOOP_H

#include "intake/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum loop_events {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4, /* the peer closed its side; also set with LOOP_ERROR */
    LOOP_ERROR = 8,  /* always reported, never asked for */
    LOOP_EDGE = 16   /* edge-triggered: report a change once */
};

/* Zero-initialise, then set `ready` (and `fd` before the first watch_set). */
struct watch {
    void (*ready)(struct watch *watch, unsigned events);
    int fd;
    unsigned events; /* owned by the loop: the events asked for; 0: not watched */
};

/* Zero-initialise, then set `fire`. */
struct timer {
    void (*fire)(struct timer *timer);
    uint64_t due; /* owned by the loop: in clock_ms() time */
    size_t place; /* owned by the loop: 1 + index in the heap; 0: not set */
};

/* Zero-initialise, then set `run`. */
struct task {
    void (*run)(struct task *task);
    struct list place; /* owned by the loop */
};

/* NULL: no memory, or no descriptor. Owned by the caller. */
struct loop *loop_new(void);
void loop_free(struct loop *loop); /* NULL is fine */

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
void loop_run_again(struct loop *loop); /* after loop_run() has returned: until loop_stop() */

/* Adds a function that is called in each iteration before the loop sleeps. It returns true to be
 * called again without sleeping. There are at most 16. */
void loop_add_prepare_hook(struct loop *loop, bool (*run)(void *context), void *context);

/* No effect if there is none with this context. Not from within a hook. */
void loop_remove_prepare_hook(struct loop *loop, const void *context);

/* Sets the function that the loop's thread calls after loop_wake(). Any thread may call
 * loop_wake(). */
void loop_on_wake(struct loop *loop, void (*woken)(void *context), void *context);
void loop_wake(struct loop *loop);

/* Asks for exactly these events from now on. 0 removes the watch: `ready` is not called again.
 * False: the kernel is out of resources; the watch is unchanged. */
bool watch_set(struct loop *loop, struct watch *watch, unsigned events);

/* Fires once, `ms` milliseconds from now. Setting it again moves it. False: no memory; it is not
 * set. */
bool timer_set(struct loop *loop, struct timer *timer, uint64_t ms);
void timer_cancel(struct loop *loop, struct timer *timer);

/* Runs the task once, later in this iteration. Posting a posted task has no effect. */
void task_post(struct loop *loop, struct task *task);
void task_cancel(struct loop *loop, struct task *task);

/* Runs the task once in the loop's thread. Thread-safe. The task must not be sent or posted
 * already, and cannot be cancelled. The loop must outlive this call, not only the task. */
void task_send(struct loop *loop, struct task *task);

/* Runs the tasks that were sent before, even if loop_run() has returned. True: there were some. */
bool loop_run_sent(struct loop *loop);

#endif
