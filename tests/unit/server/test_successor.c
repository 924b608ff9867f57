/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a successor, which is a shell here, and hears what it says. */
#include "server/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000 };

#define SAY "printf \"$1\" >&$GLANCE_INTAKE_PREDECESSOR; "

/* `script` gets the two sockets, and `words` as $1. */
static void start(struct successor *successor, const char *script, const char *words,
                  unsigned timeout_ms)
{
    const struct passed_on sockets[] = {{STDERR_FILENO, "first"}, {STDOUT_FILENO, "second"}};
    char *arguments[] = {"sh", "-c", (char *)script, "sh", (char *)words, NULL};
    if (!successor_start(successor, arguments, sockets, 2, timeout_ms))
        fail_msg("%s", successor->why);
}

/* Until the successor is ready, or has failed. */
static void await(struct successor *successor)
{
    while (successor->state == SUCCESSOR_STARTING) {
        struct pollfd readable = {.fd = successor->channel, .events = POLLIN};
        poll(&readable, 1, 20);
        successor_update(successor);
    }
}

/* This process is the parent of orphans, as a service manager is. */
static int end_of(const struct successor *successor)
{
    int status = 0;
    assert_true(successor->pid > 0);
    assert_int_equal(waitpid(successor->pid, &status, 0), successor->pid);
    return status;
}

static void it_gets_the_sockets_and_says_that_it_is_ready(void **state)
{
    (void)state;
    struct successor successor;
    assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
    start(&successor,
          "[ $LISTEN_PID = $$ ] && [ $LISTEN_FDS = 2 ] && [ $LISTEN_FDNAMES = first:second ] &&"
          "[ $GLANCE_INTAKE_PREDECESSOR = 5 ] && [ \"$(env | grep -c ^LISTEN_PID=)\" = 1 ] &&"
          "[ /dev/fd/3 -ef /dev/fd/2 ] && [ ! -e /dev/fd/6 ] || exit 1;" SAY "exec sleep 1000",
          "ready", LONG_MS);
    await(&successor);
    assert_int_equal(successor.state, SUCCESSOR_READY);
    pid_t pid = successor.pid;
    successor_end(&successor);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it goes on */
    kill(pid, SIGKILL);
    assert_true(WIFSIGNALED(end_of(&successor)));
}

static void it_says_why_it_fails(void **state)
{
    (void)state;
    struct successor successor;
    start(&successor, SAY, "failed file:1: it is wrong", LONG_MS);
    await(&successor);
    assert_int_equal(successor.state, SUCCESSOR_FAILED);
    assert_string_equal(successor.why, "file:1: it is wrong");
    successor_end(&successor);
    assert_true(WIFEXITED(end_of(&successor)));
}

static void it_ends_without_a_word(void **state)
{
    (void)state;
    struct successor successor;
    start(&successor, "exit 1", "", LONG_MS);
    await(&successor);
    assert_int_equal(successor.state, SUCCESSOR_FAILED);
    assert_non_null(strstr(successor.why, "ended before it was ready"));
    successor_end(&successor);
    end_of(&successor);
}

static void it_is_killed_when_its_time_is_over(void **state)
{
    (void)state;
    struct successor successor;
    start(&successor, "exec sleep 1000", "", LONG_MS);
    while (!successor.pid)
        successor_update(&successor);
    successor.give_up_at = 0;
    await(&successor);
    assert_int_equal(successor.state, SUCCESSOR_FAILED);
    assert_string_equal(successor.why, "it was not ready in time");
    assert_int_equal(WTERMSIG(end_of(&successor)), SIGKILL);
    successor_end(&successor);
}

static void it_is_killed_when_it_is_abandoned(void **state)
{
    (void)state;
    struct successor successor;
    start(&successor, "exec sleep 1000", "", LONG_MS);
    while (!successor.pid)
        successor_update(&successor);
    successor_end(&successor);
    assert_int_equal(WTERMSIG(end_of(&successor)), SIGKILL);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct successor successor;
    const struct passed_on socket = {STDERR_FILENO, "first"};
    char *arguments[] = {"/nowhere/glance-intake", NULL};
    assert_true(successor_start(&successor, arguments, &socket, 1, LONG_MS));
    await(&successor);
    assert_int_equal(successor.state, SUCCESSOR_FAILED);
    assert_string_equal(successor.why, "the program cannot be executed: No such file or directory");
    successor_end(&successor);
    end_of(&successor);
}

static void it_hears_that_it_is_the_main_process(void **state)
{
    (void)state;
    struct successor successor;
    start(&successor,
          SAY
          "word=$(dd bs=16 count=1 status=none <&$GLANCE_INTAKE_PREDECESSOR); [ \"$word\" = go ]",
          "ready", LONG_MS);
    await(&successor);
    successor_confirm(&successor);
    int status = end_of(&successor);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    successor_end(&successor);
}

int main(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_the_sockets_and_says_that_it_is_ready),
        cmocka_unit_test(it_says_why_it_fails),
        cmocka_unit_test(it_ends_without_a_word),
        cmocka_unit_test(it_is_killed_when_its_time_is_over),
        cmocka_unit_test(it_is_killed_when_it_is_abandoned),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error),
        cmocka_unit_test(it_hears_that_it_is_the_main_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
