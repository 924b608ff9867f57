/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's event loop: readiness of descriptors, timers, and calls put off until the
 * library that is calling us has returned.
 *
 * Everything but loop_wake() and task_send() belongs to the loop's own thread. Watches, timers and
 * tasks are embedded in what they serve; their owner takes them out before it goes away. */
#ifndef INTAKE_LOOP_H
#define INTAKE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum loop_events {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4, /* the peer ended its side (also told with LOOP_ERROR) */
    LOOP_ERROR = 8,  /* always told, never asked for */
    LOOP_EDGE = 16   /* tell a change once, not as long as it lasts */
};

/* Zero-initialise, then set `ready` (and `fd` before the first watch_set). */
struct watch {
    void (*ready)(struct watch *watch, unsigned events);
    int fd;
    unsigned events; /* what is asked for now; 0: not watched. The loop's */
};

/* Zero-initialise, then set `fire`. */
struct timer {
    void (*fire)(struct timer *timer);
    uint64_t due;
    size_t place; /* the loop's: 1 + index in the heap; 0: not set */
};

/* Zero-initialise, then set `run`. */
struct task {
    void (*run)(struct task *task);
    struct task *next, *previous; /* the loop's */
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Called once a turn, before the loop sleeps; true: call again without sleeping. */
void loop_add_prepare_hook(struct loop *loop, bool (*turn)(void *context), void *context);

/* Called in the loop's thread after loop_wake(), which any thread may call. */
void loop_on_wake(struct loop *loop, void (*woken)(void *context), void *context);
void loop_wake(struct loop *loop);

/* Asks for exactly `events` from now on; 0 takes the watch out (no call follows). False: the
 * kernel has no room; the watch is as it was. */
bool watch_set(struct loop *loop, struct watch *watch, unsigned events);

/* The same for a descriptor that is closed already, so that the kernel has forgotten it. */
void watch_forget(struct loop *loop, struct watch *watch);

/* Fires once, `ms` from now; setting it again moves it. False: no memory; it is not set. */
bool timer_set(struct loop *loop, struct timer *timer, uint64_t ms);
void timer_cancel(struct loop *loop, struct timer *timer);

/* Runs once, later in this turn; posting it twice is posting it once. */
void task_post(struct loop *loop, struct task *task);
void task_cancel(struct loop *loop, struct task *task);

/* From any thread: runs once in the loop's, soon. It must not have been sent or posted already, and
 * cannot be cancelled. The loop must outlive the call, not just the task. */
void task_send(struct loop *loop, struct task *task);

/* Runs now what was sent before, also when the loop itself does not run any more. True: there was
 * any. */
bool loop_run_sent(struct loop *loop);

#endif
