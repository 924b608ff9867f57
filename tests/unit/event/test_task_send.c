/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks sent to loop.c by other threads; the rest is tested in test_loop.c and test_watches.c. */
#include "intake/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "told.h"

struct note {
    struct task task; /* first */
    char letter;
    struct note *sends;
    unsigned times; /* it sends itself so often */
    bool last;      /* stops the loop */
};

static void note_run(struct task *task)
{
    struct note *note = (struct note *)task;
    assert_true(pthread_equal(pthread_self(), runs_in));
    tell(note->letter);
    if (note->sends)
        task_send(loop, &note->sends->task);
    if (note->times && note->times--)
        task_send(loop, task);
    else if (note->last)
        loop_stop(loop);
}

static struct note make_note(char letter)
{
    return (struct note){.task.run = note_run, .letter = letter};
}

static void sent_tasks_run_once_and_in_order(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b'), c = make_note('c');
    c.last = true;
    task_send(loop, &a.task);
    task_send(loop, &b.task);
    task_send(loop, &c.task);
    loop_run(loop);
    assert_string_equal(told, "abc");
    assert_false(loop_run_sent(loop));
    assert_string_equal(told, "abc");
}

static void running_task_may_be_sent_again(void **state)
{
    (void)state;
    struct note a = make_note('a');
    a.times = 3;
    a.last = true;
    task_send(loop, &a.task);
    loop_run(loop);
    assert_string_equal(told, "aaaa");
}

static void tell_wake(void *context)
{
    (void)context;
    tell('w');
}

static void sent_task_runs_before_the_wake_callback(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b');
    b.last = true;
    a.sends = &b;
    loop_on_wake(loop, tell_wake, NULL);
    task_send(loop, &a.task);
    loop_run(loop);
    assert_string_equal(told, "awbw");
}

static void sent_task_runs_without_the_loop(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b');
    a.sends = &b;
    assert_false(loop_run_sent(loop));
    task_send(loop, &a.task);
    assert_true(loop_run_sent(loop));
    assert_string_equal(told, "a");
    assert_true(loop_run_sent(loop));
    assert_string_equal(told, "ab");
    assert_false(loop_run_sent(loop));
}

/* Turns go on, however often a thread sends. */
static void resending_task_does_not_starve_others(void **state)
{
    (void)state;
    struct note a = make_note('a'), b = make_note('b');
    a.times = 5;
    a.last = true;
    task_send(loop, &a.task);
    loop_on_wake(loop, tell_wake, NULL);
    task_send(loop, &b.task);
    loop_run(loop);
    assert_string_equal(told, "abwawawawawaw");
}

static void finished_task_can_be_posted(void **state)
{
    (void)state;
    struct note a = make_note('a');
    task_send(loop, &a.task);
    assert_true(loop_run_sent(loop));
    a.last = true;
    task_post(loop, &a.task);
    loop_run(loop);
    assert_string_equal(told, "aa");
}

/* --- among threads --------------------------------------------------------------------------- */

enum { SENDERS = 4, EACH = 2000 };

static unsigned received;

static void count_run(struct task *task)
{
    assert_true(pthread_equal(pthread_self(), runs_in));
    assert_null(task->place.next);
    if (++received == SENDERS * EACH)
        loop_stop(loop);
}

static void *send_all(void *context)
{
    struct task *tasks = context;
    for (unsigned i = 0; i < EACH; i++)
        task_send(loop, &tasks[i]);
    return NULL;
}

/* Each of them must run, or this does not end. */
static void any_thread_may_send(void **state)
{
    (void)state;
    static struct task tasks[SENDERS][EACH];
    pthread_t threads[SENDERS];
    received = 0;
    for (unsigned i = 0; i < SENDERS * EACH; i++)
        tasks[i / EACH][i % EACH] = (struct task){.run = count_run};
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, tasks[i]), 0);
    loop_run(loop);
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(received, SENDERS * EACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sent_tasks_run_once_and_in_order),
        TEST(running_task_may_be_sent_again),
        TEST(sent_task_runs_before_the_wake_callback),
        TEST(sent_task_runs_without_the_loop),
        TEST(resending_task_does_not_starve_others),
        TEST(finished_task_can_be_posted),
        TEST(any_thread_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
