/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/loop.h"

#include "intake/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What happened, a letter for each event: the tests compare it with what should have. */
static struct loop *loop;
static char told[128];

static void tell(char letter)
{
    size_t length = strlen(told);
    if (length + 1 == sizeof told)
        fail_msg("no end of it: %s", told);
    told[length] = letter;
}

static int set_up(void **state)
{
    (void)state;
    memset(told, 0, sizeof told);
    loop = loop_new();
    alarm(60); /* a loop that sleeps for ever fails, too */
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alarm(0);
    loop_free(loop);
    return 0;
}

/* A loop that was stopped is over. */
static void another_loop(void)
{
    loop_free(loop);
    loop = loop_new();
    assert_non_null(loop);
}

/* Takes turns until the `turns_left`th, without a sleep. */
static unsigned turns_left;

static bool count_turn(void *context)
{
    (void)context;
    if (--turns_left == 0)
        loop_stop(loop);
    return true;
}

static void run_turns(unsigned count)
{
    turns_left = count;
    loop_every_turn(loop, count_turn, NULL);
    loop_run(loop);
}

static void stop_at(struct timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

static void run_for(uint64_t ms)
{
    struct timer end = {.fire = stop_at};
    assert_true(timer_set(loop, &end, ms));
    loop_run(loop);
}

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
    loop_every_turn(loop, tell_turn, NULL);
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
    loop_every_turn(loop, tell_turn, NULL);
    run_turns(3);
    assert_string_equal(told, "a|a|a|");
    task_cancel(loop, &a.task);
}

static void stop_now(struct task *task)
{
    (void)task;
    loop_stop(loop);
}

/* There is nothing else to wake it, neither for the task that is posted meanwhile. */
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

static void a_turn_may_stop_the_loop(void **state)
{
    (void)state;
    loop_every_turn(loop, stop_turn, NULL);
    loop_every_turn(loop, tell_turn, NULL);
    loop_run(loop);
    assert_string_equal(told, "|");
}

/* --- watches ------------------------------------------------------------------------------- */

/* A socket pair, the near end watched. */
struct end {
    struct watch watch; /* first */
    int far;
    char letter;
    bool reads;
    struct end *removes;
    struct end *forgets;
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
    if (end->forgets) {
        close(end->forgets->watch.fd);
        watch_forget(loop, &end->forgets->watch);
    }
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

static void it_is_told_as_long_as_it_lasts(void **state)
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

static void an_edge_is_told_once(void **state)
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

static void another_edge_is_told_again(void **state)
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

/* Both have an end to tell, which needs no asking for; whichever is told first takes the other out
 * of the batch. */
static void a_watch_removed_meanwhile_is_not_told(void **state)
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

static void a_watch_forgotten_meanwhile_is_not_told(void **state)
{
    (void)state;
    struct end a = open_end('a'), b = open_end('b');
    a.forgets = &b;
    b.forgets = &a;
    assert_true(watch_set(loop, &a.watch, LOOP_READ));
    assert_true(watch_set(loop, &b.watch, LOOP_READ));
    hang_up(&a);
    hang_up(&b);
    run_turns(1);
    assert_int_equal(strlen(told), 1);
    struct end *left = told[0] == 'a' ? &a : &b, *gone = told[0] == 'a' ? &b : &a;
    assert_int_equal(gone->watch.events, 0);
    close_end(left);
}

/* From watch_set() on it is exactly what was asked for, also if the kernel has said more before. */
static void a_watch_changed_meanwhile_is_told_what_it_asks_for_now(void **state)
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

static void a_watch_taken_out_can_be_set_again(void **state)
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

static void an_end_is_told_as_what_it_is(void **state)
{
    (void)state;
    static const struct {
        unsigned asked;
        bool closes; /* the far end; otherwise it only says that no more will come */
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

static void a_watch_that_cannot_be_set_stays_as_it_was(void **state)
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

/* More are ready than one look at epoll brings. */
static void however_many_are_ready_each_is_told(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static struct end ends[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ends[i] = open_end('\0'); /* `seen` says it */
        assert_true(watch_set(loop, &ends[i].watch, LOOP_WRITE | LOOP_EDGE));
    }
    run_turns(5);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ends[i].seen, LOOP_WRITE);
        close_end(&ends[i]);
    }
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
    run_for(50);
    assert_string_equal(told, "bca");
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
    loop_every_turn(loop, tell_turn, NULL);
    run_for(50);
    assert_in_range(strlen(told), 1, 3); /* turns */
}

/* --- waking -------------------------------------------------------------------------------- */

enum { WAKES = 2000 };

static atomic_uint asked;
static pthread_t runs_in;

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
    runs_in = pthread_self();
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

static void a_wake_before_it_runs_is_told_once(void **state)
{
    (void)state;
    loop_on_wake(loop, tell_wake, NULL);
    loop_wake(loop);
    loop_wake(loop);
    run_for(10);
    assert_string_equal(told, "w");
}

static void nothing_is_freed_without_harm(void **state)
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
        TEST(it_is_told_as_long_as_it_lasts),
        TEST(an_edge_is_told_once),
        TEST(another_edge_is_told_again),
        TEST(a_watch_removed_meanwhile_is_not_told),
        TEST(a_watch_forgotten_meanwhile_is_not_told),
        TEST(a_watch_changed_meanwhile_is_told_what_it_asks_for_now),
        TEST(a_watch_taken_out_can_be_set_again),
        TEST(an_end_is_told_as_what_it_is),
        TEST(a_watch_that_cannot_be_set_stays_as_it_was),
        TEST(however_many_are_ready_each_is_told),
        TEST(timers_fire_in_the_order_of_their_time),
        TEST(a_timer_may_set_itself_and_cancel_another),
        TEST(the_loop_sleeps_until_the_first),
        TEST(any_thread_may_wake_it),
        TEST(a_wake_before_it_runs_is_told_once),
        TEST(nothing_is_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
