/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void clock_counts_milliseconds(void **state)
{
    (void)state;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    uint64_t before = clock_ms();
    nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    uint64_t passed = clock_ms() - before;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double longest =
        difftime(to.tv_sec, from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    assert_true(passed >= 50);
    assert_true((double)passed < longest + 1);
}

static void clock_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = clock_ms();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = clock_ms();
        assert_true(now >= last);
        last = now;
    }
}

static void the_wall_clock_is_the_systems(void **state)
{
    (void)state;
    uint64_t before = (uint64_t)time(NULL) * 1000;
    assert_in_range(clock_wall_ms(), before, before + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_counts_milliseconds),
        cmocka_unit_test(clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
