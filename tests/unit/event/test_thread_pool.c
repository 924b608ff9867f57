/* SPDX-License-Identifier: Apache-2.0 */
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

enum { HELPERS = 3 };

static struct loop *loop;
static struct thread_pool *thread_pool;

static int set_up_with(unsigned helpers)
{
    alarm(60); /* what waits for ever fails, too */
    loop = loop_new();
    thread_pool = thread_pool_new(helpers);
    return loop && thread_pool ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(HELPERS);
}

static int set_up_one(void **state)
{
    (void)state;
    return set_up_with(1);
}

static int tear_down(void **state)
{
    (void)state;
    thread_pool_free(thread_pool);
    loop_free(loop);
    alarm(0);
    return 0;
}

/* --- an errand that notes what becomes of it -------------------------------------------------- */

struct trip {
    struct job job; /* first */
    pthread_t ran_in;
    pthread_t done_in;
    unsigned ran, done;
    unsigned again;         /* `done` sends it so often */
    bool last;              /* `done` stops the loop */
    pthread_barrier_t *all; /* it waits in the helper for so many */
};

static struct trip *of(struct job *job)
{
    return (struct trip *)job;
}

static void trip_run(struct job *job)
{
    of(job)->ran_in = pthread_self();
    of(job)->ran++;
    if (of(job)->all)
        pthread_barrier_wait(of(job)->all);
}

static void trip_done(struct job *job)
{
    of(job)->done_in = pthread_self();
    of(job)->done++;
    if (of(job)->again && of(job)->again--)
        thread_pool_send(thread_pool, job->loop, job);
    else if (of(job)->last)
        loop_stop(job->loop);
}

static struct trip make_trip(void)
{
    return (struct trip){.job = {.run = trip_run, .done = trip_done}};
}

static void it_runs_elsewhere_and_is_done_here(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.last = true;
    thread_pool_send(thread_pool, loop, &trip.job);
    loop_run(loop);
    assert_int_equal(trip.ran, 1);
    assert_int_equal(trip.done, 1);
    assert_false(pthread_equal(trip.ran_in, pthread_self()));
    assert_true(pthread_equal(trip.done_in, pthread_self()));
}

static void done_may_send_it_again(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.again = 1000;
    trip.last = true;
    thread_pool_send(thread_pool, loop, &trip.job);
    loop_run(loop);
    assert_int_equal(trip.ran, 1001);
    assert_int_equal(trip.done, 1001);
}

/* --- order ----------------------------------------------------------------------------------- */

static struct {
    struct job *run[8], *done[8];
    size_t ran, came_back;
} order;

static void note_run(struct job *job)
{
    order.run[order.ran++] = job;
}

static void note_done(struct job *job)
{
    order.done[order.came_back++] = job;
}

static void the_first_sent_is_the_first_run(void **state)
{
    (void)state;
    struct job rows[8];
    memset(&order, 0, sizeof order);
    for (size_t i = 0; i < 8; i++) {
        rows[i] = (struct job){.run = note_run, .done = note_done};
        thread_pool_send(thread_pool, loop, &rows[i]);
    }
    thread_pool_settle(thread_pool, loop);
    for (size_t i = 0; i < 8; i++) {
        assert_ptr_equal(order.run[i], &rows[i]);
        assert_ptr_equal(order.done[i], &rows[i]);
    }
    assert_int_equal(order.came_back, 8);
}

/* None of them leaves its helper before all have one. */
static void as_many_run_at_a_time_as_there_are_helpers(void **state)
{
    (void)state;
    pthread_barrier_t all;
    struct trip trips[HELPERS];
    assert_int_equal(pthread_barrier_init(&all, NULL, HELPERS), 0);
    for (size_t i = 0; i < HELPERS; i++) {
        trips[i] = make_trip();
        trips[i].all = &all;
        thread_pool_send(thread_pool, loop, &trips[i].job);
    }
    thread_pool_settle(thread_pool, loop);
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(trips[i].done, 1);
    assert_false(pthread_equal(trips[0].ran_in, trips[1].ran_in));
    pthread_barrier_destroy(&all);
}

/* --- strands --------------------------------------------------------------------------------- */

enum { STRANDS = 5, STEPS = 200 };

/* What its helpers do is no race, since no two do it at once. */
struct line {
    struct strand strand;
    unsigned steps; /* taken so far */
    bool in_order;
};

struct step {
    struct job job; /* first */
    struct line *line;
    unsigned number;
    bool done;
};

static void take_step(struct job *job)
{
    const struct step *step = (struct step *)job;
    step->line->in_order &= step->line->steps++ == step->number;
}

static void step_done(struct job *job)
{
    ((struct step *)job)->done = true;
}

static void errands_of_a_strand_run_one_after_the_other(void **state)
{
    (void)state;
    static struct step steps[STEPS][STRANDS];
    struct line lines[STRANDS];
    for (size_t i = 0; i < STRANDS; i++)
        lines[i] = (struct line){.in_order = true};
    for (unsigned number = 0; number < STEPS; number++)
        for (size_t i = 0; i < STRANDS; i++) {
            steps[number][i] =
                (struct step){{.run = take_step, .done = step_done, .strand = &lines[i].strand},
                              &lines[i],
                              number,
                              false};
            thread_pool_send(thread_pool, loop, &steps[number][i].job);
        }
    thread_pool_settle(thread_pool, loop);
    for (size_t i = 0; i < STRANDS; i++) {
        assert_int_equal(lines[i].steps, STEPS);
        assert_true(lines[i].in_order);
        assert_false(lines[i].strand.busy);
        for (unsigned number = 0; number < STEPS; number++)
            assert_true(steps[number][i].done);
    }
}

/* The first of a strand is held up in its helper; its second waits, and the others do not. */
static void a_busy_strand_holds_up_nobody_else(void **state)
{
    (void)state;
    pthread_barrier_t held;
    struct strand strand = {0}, other = {0};
    struct trip first = make_trip(), second = make_trip(), free = make_trip(), others = make_trip();
    assert_int_equal(pthread_barrier_init(&held, NULL, 2), 0);
    first.all = &held;
    first.job.strand = second.job.strand = &strand;
    others.job.strand = &other;
    others.last = true;
    thread_pool_send(thread_pool, loop, &first.job);
    thread_pool_send(thread_pool, loop, &second.job);
    thread_pool_send(thread_pool, loop, &free.job);
    thread_pool_send(thread_pool, loop, &others.job);
    loop_run(loop);
    assert_int_equal(others.done, 1);
    assert_int_equal(second.ran, 0);
    pthread_barrier_wait(&held);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(first.done, 1);
    assert_int_equal(second.done, 1);
    assert_int_equal(free.done, 1);
    pthread_barrier_destroy(&held);
}

/* Strands that live no longer than their errands; and the helpers are all needed. */
static void strands_at_once_use_all_helpers(void **state)
{
    (void)state;
    pthread_barrier_t all;
    struct trip trips[HELPERS];
    struct strand strands[HELPERS] = {0};
    assert_int_equal(pthread_barrier_init(&all, NULL, HELPERS), 0);
    for (size_t i = 0; i < HELPERS; i++) {
        trips[i] = make_trip();
        trips[i].all = &all;
        trips[i].again = 50;
        trips[i].job.strand = &strands[i];
        thread_pool_send(thread_pool, loop, &trips[i].job);
    }
    thread_pool_settle(thread_pool, loop);
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(trips[i].done, 51);
    pthread_barrier_destroy(&all);
}

/* --- settling -------------------------------------------------------------------------------- */

static void settling_nothing_is_quick(void **state)
{
    (void)state;
    thread_pool_settle(thread_pool, loop);
}

static void settling_runs_what_done_sends(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.again = 5;
    thread_pool_send(thread_pool, loop, &trip.job);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(trip.done, 6);
}

/* The other's errand is held up until this one's loop has been settled. */
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

/* Leaves while most of its errands are still out. */
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

static void a_loop_whose_thread_has_ended_is_settled_by_another(void **state)
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

static void a_helper_takes_no_signal(void **state)
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

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    thread_pool_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_runs_elsewhere_and_is_done_here),
        TEST(done_may_send_it_again),
        cmocka_unit_test_setup_teardown(the_first_sent_is_the_first_run, set_up_one, tear_down),
        TEST(as_many_run_at_a_time_as_there_are_helpers),
        TEST(errands_of_a_strand_run_one_after_the_other),
        TEST(a_busy_strand_holds_up_nobody_else),
        TEST(strands_at_once_use_all_helpers),
        TEST(settling_nothing_is_quick),
        TEST(settling_runs_what_done_sends),
        TEST(settling_waits_for_its_own_loop_only),
        TEST(a_loop_whose_thread_has_ended_is_settled_by_another),
        TEST(a_helper_takes_no_signal),
        TEST(nothing_is_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
