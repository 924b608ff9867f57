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
static struct errands *errands;

static int set_up_with(unsigned helpers)
{
    alarm(60); /* what waits for ever fails, too */
    loop = loop_new();
    errands = errands_new(helpers);
    return loop && errands ? 0 : -1;
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
    errands_free(errands);
    loop_free(loop);
    alarm(0);
    return 0;
}

/* --- an errand that notes what becomes of it -------------------------------------------------- */

struct trip {
    struct errand errand; /* first */
    pthread_t ran_in;
    pthread_t done_in;
    unsigned ran, done;
    unsigned again;         /* `done` sends it so often */
    bool last;              /* `done` stops the loop */
    pthread_barrier_t *all; /* it waits in the helper for so many */
};

static struct trip *of(struct errand *errand)
{
    return (struct trip *)errand;
}

static void trip_run(struct errand *errand)
{
    of(errand)->ran_in = pthread_self();
    of(errand)->ran++;
    if (of(errand)->all)
        pthread_barrier_wait(of(errand)->all);
}

static void trip_done(struct errand *errand)
{
    of(errand)->done_in = pthread_self();
    of(errand)->done++;
    if (of(errand)->again && of(errand)->again--)
        errands_send(errands, errand->loop, errand);
    else if (of(errand)->last)
        loop_stop(errand->loop);
}

static struct trip make_trip(void)
{
    return (struct trip){.errand = {.run = trip_run, .done = trip_done}};
}

static void it_runs_elsewhere_and_is_done_here(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.last = true;
    errands_send(errands, loop, &trip.errand);
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
    errands_send(errands, loop, &trip.errand);
    loop_run(loop);
    assert_int_equal(trip.ran, 1001);
    assert_int_equal(trip.done, 1001);
}

/* --- order ----------------------------------------------------------------------------------- */

static struct {
    struct errand *run[8], *done[8];
    size_t ran, came_back;
} order;

static void note_run(struct errand *errand)
{
    order.run[order.ran++] = errand;
}

static void note_done(struct errand *errand)
{
    order.done[order.came_back++] = errand;
}

static void the_first_sent_is_the_first_run(void **state)
{
    (void)state;
    struct errand rows[8];
    memset(&order, 0, sizeof order);
    for (size_t i = 0; i < 8; i++) {
        rows[i] = (struct errand){.run = note_run, .done = note_done};
        errands_send(errands, loop, &rows[i]);
    }
    errands_settle(errands, loop);
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
        errands_send(errands, loop, &trips[i].errand);
    }
    errands_settle(errands, loop);
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
    struct errand errand; /* first */
    struct line *line;
    unsigned number;
    bool done;
};

static void take_step(struct errand *errand)
{
    const struct step *step = (struct step *)errand;
    step->line->in_order &= step->line->steps++ == step->number;
}

static void step_done(struct errand *errand)
{
    ((struct step *)errand)->done = true;
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
            errands_send(errands, loop, &steps[number][i].errand);
        }
    errands_settle(errands, loop);
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
    first.errand.strand = second.errand.strand = &strand;
    others.errand.strand = &other;
    others.last = true;
    errands_send(errands, loop, &first.errand);
    errands_send(errands, loop, &second.errand);
    errands_send(errands, loop, &free.errand);
    errands_send(errands, loop, &others.errand);
    loop_run(loop);
    assert_int_equal(others.done, 1);
    assert_int_equal(second.ran, 0);
    pthread_barrier_wait(&held);
    errands_settle(errands, loop);
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
        trips[i].errand.strand = &strands[i];
        errands_send(errands, loop, &trips[i].errand);
    }
    errands_settle(errands, loop);
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(trips[i].done, 51);
    pthread_barrier_destroy(&all);
}

/* --- settling -------------------------------------------------------------------------------- */

static void settling_nothing_is_quick(void **state)
{
    (void)state;
    errands_settle(errands, loop);
}

static void settling_runs_what_done_sends(void **state)
{
    (void)state;
    struct trip trip = make_trip();
    trip.again = 5;
    errands_send(errands, loop, &trip.errand);
    errands_settle(errands, loop);
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
    errands_send(errands, other, &others.errand);
    errands_send(errands, loop, &own.errand);
    errands_settle(errands, loop);
    assert_int_equal(own.done, 1);
    assert_int_equal(others.done, 0);
    pthread_barrier_wait(&held);
    errands_settle(errands, other);
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
        errands_send(errands, place->loop, &place->trips[i].errand);
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
        errands_settle(errands, places[i].loop);
        loop_free(places[i].loop);
        assert_int_equal(places[i].trips[0].done, 1);
        for (size_t j = 1; j < TRIPS; j++)
            assert_int_equal(places[i].trips[j].done, TIMES);
    }
}

/* --- signals ---------------------------------------------------------------------------------- */

struct mask {
    struct errand errand; /* first */
    sigset_t helper;
};

static void look_at_mask(struct errand *errand)
{
    pthread_sigmask(SIG_SETMASK, NULL, &((struct mask *)errand)->helper);
}

static void seen_mask(struct errand *errand)
{
    (void)errand;
}

static void a_helper_takes_no_signal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ, SIGCHLD};
    struct mask mask = {.errand = {.run = look_at_mask, .done = seen_mask}};
    sigset_t own;
    errands_send(errands, loop, &mask.errand);
    errands_settle(errands, loop);
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(sigismember(&mask.helper, signals[i]), 1);
        assert_int_equal(sigismember(&own, signals[i]), 0);
    }
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    errands_free(NULL);
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
