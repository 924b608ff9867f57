/* SPDX-License-Identifier: Apache-2.0 */
/* The timers of a loop: a binary heap, ordered by the time at which they are due. */
#include "event/timers.h"

#include "intake/loop.h"

#include <limits.h>
#include <stdlib.h>

static void put(struct timers *timers, size_t index, struct timer *timer)
{
    timers->heap[index] = timer;
    timer->place = index + 1;
}

/* Restores the heap order for the timer at `index`. */
static void sift(struct timers *timers, size_t index)
{
    struct timer *timer = timers->heap[index];
    while (index > 0 && timers->heap[(index - 1) / 2]->due > timer->due) {
        put(timers, index, timers->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
            child++;
        if (child >= timers->count || timers->heap[child]->due >= timer->due)
            break;
        put(timers, index, timers->heap[child]);
        index = child;
    }
    put(timers, index, timer);
}

static bool grow(struct timers *timers)
{
    if (timers->count < timers->cap)
        return true;
    size_t cap = timers->cap ? timers->cap * 2 : 64;
    struct timer **heap = reallocarray(timers->heap, cap, sizeof(struct timer *));
    if (!heap)
        return false;
    timers->heap = heap;
    timers->cap = cap;
    return true;
}

bool timers_set(struct timers *timers, struct timer *timer, uint64_t due)
{
    if (!timer->place) {
        if (!grow(timers))
            return false;
        put(timers, timers->count++, timer);
    }
    timer->due = due;
    sift(timers, timer->place - 1);
    return true;
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    if (!timer->place)
        return;
    size_t index = timer->place - 1;
    struct timer *last = timers->heap[--timers->count];
    timer->place = 0;
    if (last != timer) {
        put(timers, index, last);
        sift(timers, index);
    }
}

struct timer *timers_take_due(struct timers *timers, uint64_t now)
{
    if (!timers->count || timers->heap[0]->due > now)
        return NULL;
    struct timer *timer = timers->heap[0];
    timers_cancel(timers, timer);
    return timer;
}

int timers_sleep(const struct timers *timers, uint64_t now)
{
    if (!timers->count)
        return -1;
    uint64_t due = timers->heap[0]->due;
    if (due <= now)
        return 0;
    return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

void timers_free(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}
