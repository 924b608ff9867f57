/* SPDX-License-Identifier: Apache-2.0 */
/* Timers in order of when they are due: a binary heap of borrowed pointers. */
#ifndef EVENT_TIMERS_H
#define EVENT_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;

/* Zero-initialised is empty. */
struct timers {
    struct timer **heap;
    size_t count;
    size_t cap;
};

/* `due` in clock_ms() time; moves a timer that is set already. False: no memory. */
bool timers_set(struct timers *timers, struct timer *timer, uint64_t due);
void timers_cancel(struct timers *timers, struct timer *timer);

/* Takes out one that is due; NULL: none is. */
struct timer *timers_take_due(struct timers *timers, uint64_t now);

/* Milliseconds until the first is due, for epoll_wait; -1: none is set. */
int timers_sleep(const struct timers *timers, uint64_t now);

void timers_free(struct timers *timers);

#endif
