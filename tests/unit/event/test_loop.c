/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, timers and waking. The watches of loop.c are tested in test_watches.c, and tasks of other
 * threads in test_task_send.c. */
#include "intake/loop.h"

#include "intake/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#include "told.h"

/* --- tasks --------------------------------------------------------------------------------- */

struct note {
    struct task task;
    char letter;
    struct note *posts;
    struct note *cancels;
};

static void note_run(struct task *task)
{
    struct note *note = (struct note *)task;
    tell(note->letter);
    if (note->posts)
        task_post(loop, &note->posts->task);
    if (note->cancels)
        task_cancel(loop, &note->cancels->task);
}

static struct note make_note(char letter)
{
    return (struct note){.task.run = note_run, .letter = letter};
}

static bool tell_turn(void *context)
{
    (void)context;
    tell('|');
    return false;
}

static void tasks_run_once_and_in_order(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b'), c = make_note('c');
    task_post(loop, &a.task);
    task_post(loop, &b.task);
    task_post(loop, &a.task);
    task_post(loop, &c.task);
    run_turns(3);
    assert_string_equal(told, "abc");
}

static void a_cancelled_task_does_not_run(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b'), c = make_note('c'), d = make_note('d');
    task_cancel(loop, &d.task); /* was never posted */
    task_post(loop, &a.task);
    task_post(loop, &b.task);
    task_post(loop, &c.task);
    task_cancel(loop, &b.task);
    a.cancels = &c;
    c.posts = &d;
    run_turns(3);
    assert_string_equal(told, "a");
}

static void what_a_task_posts_runs_in_the_next_turn(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b'), c = make_note('c');
    a.posts = &c;
    c.posts = &a;
    task_post(loop, &a.task);
    task_post(loop, &b.task);
    loop_add_prepare_hook(loop, tell_turn, NULL);
    run_turns(4);
    assert_string_equal(told, "ab|c|a|c|");
    task_cancel(loop, &a.task);
}

static void a_task_may_post_itself(void **state)
{
    (void)state;
    struct note a = make_note('a');
    a.posts = &a;
    task_post(loop, &a.task);
    loop_add_prepare_hook(loop, tell_turn, NULL);
    run_turns(3);
    assert_string_equal(told, "a|a|a|");
    task_cancel(loop, &a.task);
}

static void stop_now(struct task *task)
{
    (void)task;
    loop_stop(loop);
}

/* Nothing else wakes it, for the task posted during that either. */
static void a_task_may_stop_the_loop(void **state)
{
    (void)state;
    struct note a = make_note('a'), stop = {.task.run = stop_now};
    a.posts = &stop;
    task_post(loop, &a.task);
    loop_run(loop);
    assert_string_equal(told, "a");
}

static bool stop_turn(void *context)
{
    (void)context;
    loop_stop(loop);
    return false;
}

static void a_hook_can_be_removed_and_the_loop_run_again(void **state)
{
    (void)state;
    static int stops, tells;
    loop_add_prepare_hook(loop, stop_turn, &stops);
    loop_add_prepare_hook(loop, tell_turn, &tells);
    loop_run(loop);
    loop_remove_prepare_hook(loop, &tells);
    loop_run_again(loop);
    assert_string_equal(told, "|");
}

static void a_turn_may_stop_the_loop(void **state)
{
    (void)state;
    loop_add_prepare_hook(loop, stop_turn, NULL);
    loop_add_prepare_hook(loop, tell_turn, NULL);
    loop_run(loop);
    assert_string_equal(told, "|");
}

/* --- timers -------------------------------------------------------------------------------- */

struct bell {
    struct timer timer; /* first */
    char letter;
    uint64_t due;
    struct bell *cancels;
    uint64_t again; /* rings once more after so long; 0: no */
    bool last;      /* the loop stops when it has rung for the last time */
};

static void bell_rings(struct timer *timer)
{
    struct bell *bell = (struct bell *)timer;
    tell(bell->letter);
    assert_true(clock_ms() >= bell->due);
    if (bell->cancels)
        timer_cancel(loop, &bell->cancels->timer);
    if (bell->again) {
        assert_true(timer_set(loop, timer, bell->again));
        bell->again = 0;
    } else if (bell->last) {
        loop_stop(loop);
    }
}

static void set_bell(struct bell *bell, uint64_t ms)
{
    bell->timer.fire = bell_rings;
    bell->due = clock_ms() + ms;
    assert_true(timer_set(loop, &bell->timer, ms));
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
    (void)state;
    struct bell a = {.letter = 'a'}, b = {.letter = 'b'}, c = {.letter = 'c'}, d = {.letter = 'd'};
    set_bell(&a, 30);
    set_bell(&b, 10);
    set_bell(&c, 5);
    set_bell(&d, 60 * 1000);
    set_bell(&c, 20); /* moved */
    /* On a busy machine time passes between the calls above. */
    bool c_first = c.timer.due <= a.timer.due;
    run_for(50);
    assert_string_equal(told, c_first ? "bca" : "bac");
    timer_cancel(loop, &d.timer);
}

static void a_timer_may_set_itself_and_cancel_another(void **state)
{
    (void)state;
    struct bell a = {.letter = 'a', .again = 10, .last = true};
    struct bell b = {.letter = 'b'};
    a.cancels = &b;
    set_bell(&a, 5);
    set_bell(&b, 6);
    usleep(8000); /* both are due when the loop looks */
    loop_run(loop);
    assert_string_equal(told, "aa");
}

static void the_loop_sleeps_until_the_first(void **state)
{
    (void)state;
    loop_add_prepare_hook(loop, tell_turn, NULL);
    run_for(50);
    assert_in_range(strlen(told), 1, 3); /* turns */
}

/* --- waking -------------------------------------------------------------------------------- */

enum { WAKES = 2000 };

static atomic_uint asked;

static void woken(void *context)
{
    assert_ptr_equal(context, &asked);
    assert_true(pthread_equal(pthread_self(), runs_in));
    if (atomic_load(&asked) == WAKES)
        loop_stop(loop);
}

static void *ask(void *context)
{
    for (int i = 0; i < WAKES / 2; i++) {
        atomic_fetch_add(&asked, 1);
        loop_wake(context);
    }
    return NULL;
}

/* The last one must be seen, or this does not end. */
static void any_thread_may_wake_it(void **state)
{
    (void)state;
    pthread_t threads[2];
    loop_on_wake(loop, woken, &asked);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, loop), 0);
    loop_run(loop);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&asked), WAKES);
}

static void tell_wake(void *context)
{
    (void)context;
    tell('w');
}

static void wake_before_the_run_is_reported_once(void **state)
{
    (void)state;
    loop_on_wake(loop, tell_wake, NULL);
    loop_wake(loop);
    loop_wake(loop);
    run_for(10);
    assert_string_equal(told, "w");
}

static void loop_free_accepts_null(void **state)
{
    (void)state;
    loop_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tasks_run_once_and_in_order),
        TEST(a_cancelled_task_does_not_run),
        TEST(what_a_task_posts_runs_in_the_next_turn),
        TEST(a_task_may_post_itself),
        TEST(a_task_may_stop_the_loop),
        TEST(a_turn_may_stop_the_loop),
        TEST(a_hook_can_be_removed_and_the_loop_run_again),
        TEST(timers_fire_in_the_order_of_their_time),
        TEST(a_timer_may_set_itself_and_cancel_another),
        TEST(the_loop_sleeps_until_the_first),
        TEST(any_thread_may_wake_it),
        TEST(wake_before_the_run_is_reported_once),
        TEST(loop_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
