/* SPDX-License-Identifier: Apache-2.0 */
#include "body/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MIB = 1 << 20 };

static void opening_seconds_decide(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes, ms;
        enum pace pace;
    } rows[] = {
        {0, 0, PACE_UNDECIDED},
        {2 * MIB - 1, 0, PACE_UNDECIDED},
        {2 * MIB, 0, PACE_FAST}, /* of a second, at once */
        {2 * MIB, 1000, PACE_FAST},
        {2 * MIB, 1001, PACE_UNDECIDED},
        {3 * MIB, 1500, PACE_FAST}, /* it began slowly */
        {5 * MIB, 2999, PACE_UNDECIDED},
        {6 * MIB, 3000, PACE_FAST},
        {6 * MIB - 1, 3000, PACE_SLOW},
        {100 * MIB, 3600000, PACE_SLOW}, /* the first look is late */
        {UINT64_MAX, UINT64_MAX, PACE_FAST},
        {0, UINT64_MAX, PACE_SLOW},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pace_judge(rows[i].bytes, rows[i].ms, 2 * MIB) != rows[i].pace)
            fail_msg("row %zu", i);
}

static void small_and_large_rates_do_not_overflow(void **state)
{
    (void)state;
    const uint64_t tib = UINT64_C(1) << 40;
    assert_int_equal(pace_judge(0, 2999, 1), PACE_UNDECIDED);
    assert_int_equal(pace_judge(0, 3000, 1), PACE_SLOW);
    assert_int_equal(pace_judge(1, 1000, 1), PACE_FAST);
    assert_int_equal(pace_judge(3 * tib, 3000, tib), PACE_FAST);
    assert_int_equal(pace_judge(3 * tib - 1, 3000, tib), PACE_SLOW);
    assert_int_equal(pace_bytes_max(tib), 3 * tib);
    assert_int_equal(pace_bytes_max(2 * MIB), 6 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_seconds_decide),
        cmocka_unit_test(small_and_large_rates_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
