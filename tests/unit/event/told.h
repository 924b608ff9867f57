/* SPDX-License-Identifier: Apache-2.0 */
/* One loop, and its events: a letter for each, which a test compares with the expected ones.
 * Include after <cmocka.h>. */
#ifndef UNIT_EVENT_TOLD_H
#define UNIT_EVENT_TOLD_H

#include "intake/loop.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct loop *loop;
static pthread_t runs_in;
static char told[128];

static inline void tell(char letter)
{
    size_t length = strlen(told);
    if (length + 1 == sizeof told)
        fail_msg("no end of it: %s", told);
    told[length] = letter;
}

static inline int set_up(void **state)
{
    (void)state;
    memset(told, 0, sizeof told);
    runs_in = pthread_self();
    loop = loop_new();
    alarm(60); /* an endless sleep fails, too */
    return loop ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    alarm(0);
    loop_free(loop);
    return 0;
}

/* A loop that was stopped is over. */
static inline void another_loop(void)
{
    loop_free(loop);
    loop = loop_new();
    assert_non_null(loop);
}

/* Takes turns until the `turns_left`th, without a sleep. */
static unsigned turns_left;

static inline bool count_turn(void *context)
{
    (void)context;
    if (--turns_left == 0)
        loop_stop(loop);
    return true;
}

static inline void run_turns(unsigned count)
{
    turns_left = count;
    loop_add_prepare_hook(loop, count_turn, NULL);
    loop_run(loop);
}

static inline void stop_at(struct timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

static inline void run_for(uint64_t ms)
{
    struct timer end = {.fire = stop_at};
    assert_true(timer_set(loop, &end, ms));
    loop_run(loop);
}

#endif
