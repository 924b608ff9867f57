/* SPDX-License-Identifier: Apache-2.0 */
/* The watches of loop.c: which events of the kernel are reported. */
#include "intake/loop.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "told.h"

/* A socket pair, the near end watched. */
struct end {
    struct watch watch; /* first */
    int far;
    char letter;
    bool reads;
    struct end *removes;
    struct end *writes_only;
    unsigned seen;    /* the events of the last call */
    unsigned last_of; /* so many calls: the loop stops. 0: it does not */
};

static void end_ready(struct watch *watch, unsigned events)
{
    struct end *end = (struct end *)watch;
    char byte;
    tell(end->letter);
    end->seen = events;
    if (end->reads)
        assert_int_equal(read(watch->fd, &byte, 1), 1);
    if (end->removes)
        assert_true(watch_set(loop, &end->removes->watch, 0));
    if (end->writes_only)
        assert_true(watch_set(loop, &end->writes_only->watch, LOOP_WRITE));
    if (end->last_of && --end->last_of == 0)
        loop_stop(loop);
}

static struct end open_end(char letter)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    return (struct end){
        .watch = {.ready = end_ready, .fd = pair[0]}, .far = pair[1], .letter = letter};
}

static void send_byte(const struct end *end)
{
    assert_int_equal(write(end->far, "x", 1), 1);
}

static void hang_up(struct end *end)
{
    close(end->far);
    end->far = -1;
}

static void close_end(struct end *end)
{
    watch_set(loop, &end->watch, 0);
    close(end->watch.fd);
    if (end->far >= 0)
        close(end->far);
}

static void level_event_is_reported_while_it_lasts(void **state)
{
    (void)state;
    struct end a = open_end('a'), b = open_end('b');
    b.reads = true;
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_true(watch_set(loop, &b.watch, LOOP_READ));
    send_byte(&a);
    send_byte(&b);
    run_turns(3);
    assert_int_equal(a.seen, LOOP_READ);
    assert_int_equal(strlen(told), 4); /* a three times, b once */
    close_end(&a);
    close_end(&b);
}

static void edge_event_is_reported_once(void **state)
{
    (void)state;
    struct end a = open_end('a');
    assert_true(watch_set(loop, &a.watch, LOOP_READ | LOOP_EDGE));
    send_byte(&a);
    run_for(20);
    assert_string_equal(told, "a");
    close_end(&a);
}

static void send_more(struct timer *timer);

static struct {
    struct timer timer;
    struct end *end;
} more_later = {.timer.fire = send_more};

static void send_more(struct timer *timer)
{
    (void)timer;
    send_byte(more_later.end);
}

static void new_edge_is_reported_again(void **state)
{
    (void)state;
    struct end a = open_end('a');
    more_later.end = &a;
    assert_true(watch_set(loop, &a.watch, LOOP_READ | LOOP_EDGE));
    assert_true(timer_set(loop, &more_later.timer, 10));
    send_byte(&a);
    a.last_of = 2;
    loop_run(loop);
    assert_string_equal(told, "aa");
    close_end(&a);
}

/* Both have a hangup, which is always reported; the first callback removes the other from the
 * batch. */
static void removed_watch_gets_no_pending_event(void **state)
{
    (void)state;
    struct end a = open_end('a'), b = open_end('b');
    a.removes = &b;
    b.removes = &a;
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_true(watch_set(loop, &b.watch, LOOP_READ));
    hang_up(&a);
    hang_up(&b);
    run_turns(1);
    assert_int_equal(strlen(told), 1);
    close_end(&a);
    close_end(&b);
}

/* After watch_set() exactly the requested events come, even if the kernel has reported more before.
 */
static void changed_watch_gets_only_its_new_events(void **state)
{
    (void)state;
    struct end a = open_end('a'), b = open_end('b');
    a.writes_only = &b;
    b.writes_only = &a;
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_true(watch_set(loop, &b.watch, LOOP_READ));
    send_byte(&a);
    send_byte(&b);
    run_turns(1);
    assert_int_equal(strlen(told), 1);
    close_end(&a);
    close_end(&b);
}

static void removed_watch_can_be_set_again(void **state)
{
    (void)state;
    struct end a = open_end('a');
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_true(watch_set(loop, &a.watch, 0));
    send_byte(&a);
    run_for(5);
    assert_string_equal(told, "");
    another_loop();
    assert_true(watch_set(loop, &a.watch, LOOP_READ | LOOP_WRITE));
    run_turns(1);
    assert_int_equal(a.seen, LOOP_READ | LOOP_WRITE);
    close_end(&a);
}

static void hangup_is_reported_as_such(void **state)
{
    (void)state;
    static const struct {
        unsigned asked;
        bool closes; /* the far end; otherwise it only ends its sending */
        unsigned told;
    } rows[] = {
        {LOOP_READ, false, LOOP_READ},
        {LOOP_HANGUP, false, LOOP_HANGUP},
        {LOOP_READ | LOOP_HANGUP, false, LOOP_READ | LOOP_HANGUP},
        {LOOP_READ, true, LOOP_READ | LOOP_HANGUP | LOOP_ERROR},
        {LOOP_HANGUP, true, LOOP_HANGUP | LOOP_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        another_loop();
        struct end a = open_end('a');
        assert_true(watch_set(loop, &a.watch, rows[i].asked));
        shutdown(a.far, SHUT_WR);
        if (rows[i].closes)
            hang_up(&a);
        run_turns(1);
        assert_int_equal(a.seen, rows[i].told);
        close_end(&a);
    }
}

static void watch_that_cannot_be_set_is_unchanged(void **state)
{
    (void)state;
    struct end a = open_end('a');
    int fd = a.watch.fd;
    a.watch.fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* nothing epoll could wait for */
    assert_false(watch_set(loop, &a.watch, LOOP_READ));
    assert_int_equal(a.watch.events, 0);
    close(a.watch.fd);
    a.watch.fd = fd;
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_int_equal(a.watch.events, LOOP_READ);
    close_end(&a);
}

/* --- between tasks -------------------------------------------------------------------------- */

/* A task that posts the next one until there are none, or for ever. */
struct chain {
    struct task task; /* first */
    unsigned left;
};

static void chain_run(struct task *task)
{
    struct chain *chain = (struct chain *)task;
    tell('t');
    if (--chain->left > 0)
        task_post(loop, task);
}

static void short_chain_of_tasks_runs_before_the_watches(void **state)
{
    (void)state;
    struct end a = open_end('a');
    struct chain chain = {.task.run = chain_run, .left = 3};
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    send_byte(&a);
    a.last_of = 1;
    task_post(loop, &chain.task);
    loop_run(loop);
    assert_string_equal(told, "ttta");
    close_end(&a);
}

static void endless_chain_of_tasks_leaves_the_watches_their_turn(void **state)
{
    (void)state;
    struct end a = open_end('a');
    struct chain chain = {.task.run = chain_run, .left = UINT_MAX};
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    send_byte(&a);
    a.last_of = 3;
    task_post(loop, &chain.task);
    loop_run(loop); /* told[] has an end, and this test with it */
    task_cancel(loop, &chain.task);
    close_end(&a);
}

/* More are ready than one look at epoll brings. */
static void every_ready_watch_is_reported(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static struct end ends[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ends[i] = open_end('\0'); /* `seen` has it */
        assert_true(watch_set(loop, &ends[i].watch, LOOP_WRITE | LOOP_EDGE));
    }
    run_turns(5);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ends[i].seen, LOOP_WRITE);
        close_end(&ends[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(level_event_is_reported_while_it_lasts),
        TEST(edge_event_is_reported_once),
        TEST(new_edge_is_reported_again),
        TEST(removed_watch_gets_no_pending_event),
        TEST(changed_watch_gets_only_its_new_events),
        TEST(removed_watch_can_be_set_again),
        TEST(hangup_is_reported_as_such),
        TEST(watch_that_cannot_be_set_is_unchanged),
        TEST(short_chain_of_tasks_runs_before_the_watches),
        TEST(endless_chain_of_tasks_leaves_the_watches_their_turn),
        TEST(every_ready_watch_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
