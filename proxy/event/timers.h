/* SPDX-License-Identifier: Apache-2.0 */
/* A priority queue of timers, by due time: a binary heap of borrowed pointers. */
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

/* Sets a timer, or moves one that is set. `due` is in clock_ms() time. False: no memory. */
bool timers_set(struct timers *timers, struct timer *timer, uint64_t due);
void timers_cancel(struct timers *timers, struct timer *timer);

/* Removes and returns a timer that is due. NULL: none is due. */
struct timer *timers_take_due(struct timers *timers, uint64_t now);

/* The timeout for epoll_wait(): milliseconds until the first timer is due; -1: no timer is set. */
int timers_sleep(const struct timers *timers, uint64_t now);

void timers_free(struct timers *timers);

#endif
