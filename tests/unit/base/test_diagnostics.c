/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/diagnostics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void diagnostics_keep_their_file_and_line(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    diagnostics_add(&diagnostics, "a.conf", 3, "%s is %d", "x", 7);
    diagnostics_add(&diagnostics, "b.yaml", 0, "no such file");
    assert_int_equal(diagnostics.count, 2);
    assert_string_equal(diagnostics.lines[0], "a.conf:3: x is 7");
    assert_string_equal(diagnostics.lines[1], "b.yaml: no such file");
    diagnostics_free(&diagnostics);
    assert_int_equal(diagnostics.count, 0);
    diagnostics_free(&diagnostics);
}

static void diagnostics_have_a_maximum(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    for (int i = 1; i <= 10000; i++)
        diagnostics_add(&diagnostics, "a", i, "b");
    assert_int_equal(diagnostics.count, 500);
    assert_string_equal(diagnostics.lines[499], "a:500: b");
    diagnostics_free(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diagnostics_keep_their_file_and_line),
        cmocka_unit_test(diagnostics_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
