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

#include "thread_pool_jobs.h"

#include <dirent.h>

/* --- a job that records its outcome ----------------------------------------------------------- */

static void job_runs_in_a_thread_and_completes_in_the_loop(void **state)
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

static void completion_may_send_the_job_again(void **state)
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

static void jobs_start_in_the_order_sent(void **state)
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

/* No job leaves its thread before all are running. */
static void concurrent_jobs_are_limited_by_the_threads(void **state)
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

/* Of this process. A sanitizer may have one of its own. */
static unsigned count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(tasks));)
        count += *entry->d_name != '.';
    closedir(tasks);
    return count;
}

static void threads_are_started_when_they_are_needed(void **state)
{
    concurrent_jobs_are_limited_by_the_threads(state);
    unsigned all = count_threads();
    concurrent_jobs_are_limited_by_the_threads(state);
    assert_int_equal(count_threads(), all);

    thread_pool_free(thread_pool);
    thread_pool = thread_pool_new(HELPERS);
    for (int i = 0; i < 10; i++) { /* one after the other */
        struct trip trip = make_trip();
        thread_pool_send(thread_pool, loop, &trip.job);
        thread_pool_settle(thread_pool, loop);
    }
    assert_true(count_threads() < all);
}

/* --- strands --------------------------------------------------------------------------------- */

enum { STRANDS = 5, STEPS = 200 };

/* The jobs of a queue do not race, since no two run at once. */
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

static void jobs_of_a_queue_run_one_at_a_time(void **state)
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

/* The first job of a queue is blocked; its second waits, and other jobs do not. */
static void busy_queue_blocks_no_other_jobs(void **state)
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

/* Queues that live no longer than their jobs; all threads are needed. */
static void several_queues_use_all_threads(void **state)
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

/* --- signals ---------------------------------------------------------------------------------- */

static void thread_pool_free_accepts_null(void **state)
{
    (void)state;
    thread_pool_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(job_runs_in_a_thread_and_completes_in_the_loop),
        TEST(completion_may_send_the_job_again),
        cmocka_unit_test_setup_teardown(jobs_start_in_the_order_sent, set_up_one, tear_down),
        TEST(concurrent_jobs_are_limited_by_the_threads),
        TEST(threads_are_started_when_they_are_needed),
        TEST(jobs_of_a_queue_run_one_at_a_time),
        TEST(busy_queue_blocks_no_other_jobs),
        TEST(several_queues_use_all_threads),
        TEST(thread_pool_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
