/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/diagnostics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void each_has_its_place(void **state)
{
    (void)state;
    struct problems problems = {0};
    problems_add(&problems, "a.conf", 3, "%s is %d", "x", 7);
    problems_add(&problems, "b.yaml", 0, "no such file");
    assert_int_equal(problems.count, 2);
    assert_string_equal(problems.lines[0], "a.conf:3: x is 7");
    assert_string_equal(problems.lines[1], "b.yaml: no such file");
    problems_free(&problems);
    assert_int_equal(problems.count, 0);
    problems_free(&problems);
}

static void their_number_has_an_end(void **state)
{
    (void)state;
    struct problems problems = {0};
    for (int i = 1; i <= 10000; i++)
        problems_add(&problems, "a", i, "b");
    assert_int_equal(problems.count, 500);
    assert_string_equal(problems.lines[499], "a:500: b");
    problems_free(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_place),
        cmocka_unit_test(their_number_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
