/* SPDX-License-Identifier: Apache-2.0 */
/* Settling, several loops with one pool, and signals. */
#include "intake/thread_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "thread_pool_jobs.h"

/* --- settling -------------------------------------------------------------------------------- */

static void settling_without_jobs_returns_at_once(void **state)
{
    (void)state;
    thread_pool_settle(thread_pool, loop);
}

static void settling_runs_jobs_sent_by_completions(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.again = 5;
    thread_pool_send(thread_pool, loop, &trip.job);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(trip.done, 6);
}

/* The other loop's job is blocked until this loop is settled. */
static void settling_waits_for_its_own_loop_only(void **state)
{
    (void)state;
    pthread_barrier_t held;
    struct loop *other = loop_new();
    struct trip own = make_trip(), others = make_trip();
    assert_non_null(other);
    assert_int_equal(pthread_barrier_init(&held, NULL, 2), 0);
    others.all = &held;
    thread_pool_send(thread_pool, other, &others.job);
    thread_pool_send(thread_pool, loop, &own.job);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(own.done, 1);
    assert_int_equal(others.done, 0);
    pthread_barrier_wait(&held);
    thread_pool_settle(thread_pool, other);
    assert_int_equal(others.done, 1);
    pthread_barrier_destroy(&held);
    loop_free(other);
}

/* --- many loops ------------------------------------------------------------------------------- */

enum { LOOPS = 3, TRIPS = 20, TIMES = 100 };

struct place {
    struct loop *loop;
    pthread_t thread;
    struct trip trips[TRIPS];
};

/* Ends while most of its jobs are still running. */
static void *travel(void *context)
{
    struct place *place = context;
    for (size_t i = 0; i < TRIPS; i++) {
        place->trips[i] = make_trip();
        place->trips[i].again = TIMES - 1;
        thread_pool_send(thread_pool, place->loop, &place->trips[i].job);
    }
    place->trips[0].again = 0;
    place->trips[0].last = true;
    loop_run(place->loop);
    return NULL;
}

static void another_thread_can_settle_the_loop_of_an_ended_one(void **state)
{
    (void)state;
    static struct place places[LOOPS];
    for (size_t i = 0; i < LOOPS; i++) {
        places[i].loop = loop_new();
        assert_non_null(places[i].loop);
        assert_int_equal(pthread_create(&places[i].thread, NULL, travel, &places[i]), 0);
    }
    for (size_t i = 0; i < LOOPS; i++) {
        assert_int_equal(pthread_join(places[i].thread, NULL), 0);
        thread_pool_settle(thread_pool, places[i].loop);
        loop_free(places[i].loop);
        assert_int_equal(places[i].trips[0].done, 1);
        for (size_t j = 1; j < TRIPS; j++)
            assert_int_equal(places[i].trips[j].done, TIMES);
    }
}

/* --- signals ---------------------------------------------------------------------------------- */

struct mask {
    struct job job; /* first */
    sigset_t helper;
};

static void look_at_mask(struct job *job)
{
    pthread_sigmask(SIG_SETMASK, NULL, &((struct mask *)job)->helper);
}

static void seen_mask(struct job *job)
{
    (void)job;
}

static void pool_threads_take_no_signals(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ, SIGCHLD};
    struct mask mask = {.job = {.run = look_at_mask, .done = seen_mask}};
    sigset_t own;
    thread_pool_send(thread_pool, loop, &mask.job);
    thread_pool_settle(thread_pool, loop);
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(sigismember(&mask.helper, signals[i]), 1);
        assert_int_equal(sigismember(&own, signals[i]), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(settling_without_jobs_returns_at_once),
        TEST(settling_runs_jobs_sent_by_completions),
        TEST(settling_waits_for_its_own_loop_only),
        TEST(another_thread_can_settle_the_loop_of_an_ended_one),
        TEST(pool_threads_take_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
