/* SPDX-License-Identifier: Apache-2.0 */
/* The state changes of a request. A change that is not in the table ends the program. */
#include "listener/listener_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* One letter per state, in the order of enum client_state. */
static const char LETTERS[] = "hbHirRcaAwdo";

/* The states that may follow each of them. */
static const char *const AFTER[] = {"bHdo", "co",  "iwdo", "rwdo", "cRawdo", "wdo",
                                    "awdo", "Ado", "o",    "do",   "o",      "o"};

#ifdef NDEBUG
static const bool asserts = false;
#else
static const bool asserts = true;
#endif

/* Tries the change in a child process, which leaves no core file and prints no message. */
static bool may_follow(enum client_state from, enum client_state to)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct client client = {.state = from};
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        client_set_state(&client, to);
        _exit(client.state == to ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void only_state_changes_in_the_table_are_allowed(void **state)
{
    (void)state;
    for (unsigned from = 0; from < sizeof AFTER / sizeof AFTER[0]; from++)
        for (unsigned to = 0; LETTERS[to]; to++)
            if (may_follow(from, to) != (!asserts || strchr(AFTER[from], LETTERS[to])))
                fail_msg("%c -> %c", LETTERS[from], LETTERS[to]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_state_changes_in_the_table_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
