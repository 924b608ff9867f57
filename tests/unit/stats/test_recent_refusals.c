/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/clock.h"
#include "intake/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_text.h"

enum { MINUTE = 60 * 1000, NOW = METRICS_RECENT_MINUTES - 1 };

static _Atomic uint64_t now_ms = 100 * MINUTE;
static struct recent_refusals recent;

uint64_t clock_ms(void)
{
    return now_ms;
}

uint64_t clock_wall_ms(void)
{
    return 0;
}

static void look(void)
{
    metrics_recent_refusals(metrics, WORKERS, &recent);
}

static unsigned sum_of(enum refusal reason)
{
    unsigned sum = 0;
    for (size_t i = 0; i < METRICS_RECENT_MINUTES; i++)
        sum += recent.counts[reason][i];
    return sum;
}

static void refusals_of_all_workers_are_added_by_minute(void **state)
{
    (void)state;
    metrics_refused(metrics[0], REFUSAL_TOO_LARGE);
    now_ms += 2 * MINUTE;
    metrics_refused(metrics[0], REFUSAL_TOO_LARGE);
    metrics_refused(metrics[1], REFUSAL_TOO_LARGE);
    metrics_refused(metrics[1], REFUSAL_OUT_OF_MEMORY);
    look();
    assert_int_equal(recent.counts[REFUSAL_TOO_LARGE][NOW], 2);
    assert_int_equal(recent.counts[REFUSAL_TOO_LARGE][NOW - 1], 0);
    assert_int_equal(recent.counts[REFUSAL_TOO_LARGE][NOW - 2], 1);
    assert_int_equal(recent.counts[REFUSAL_OUT_OF_MEMORY][NOW], 1);
    assert_int_equal(sum_of(REFUSAL_TOO_LARGE), 3);
    assert_int_equal(sum_of(REFUSAL_BAD_REQUEST), 0);
}

static void a_refusal_is_forgotten_after_an_hour(void **state)
{
    (void)state;
    metrics_refused(metrics[0], REFUSAL_TOO_LARGE);
    now_ms += (METRICS_RECENT_MINUTES - 1) * MINUTE;
    look();
    assert_int_equal(recent.counts[REFUSAL_TOO_LARGE][0], 1);
    now_ms += MINUTE;
    look();
    assert_int_equal(sum_of(REFUSAL_TOO_LARGE), 0);
}

/* Its place in the ring is used again after an hour, or after several. */
static void a_new_minute_begins_with_zero(void **state)
{
    (void)state;
    for (int hours = 1; hours <= 3; hours++) {
        metrics_refused(metrics[0], REFUSAL_TOO_LARGE);
        metrics_refused(metrics[0], REFUSAL_TRUNCATED);
        now_ms += (uint64_t)hours * METRICS_RECENT_MINUTES * MINUTE;
        metrics_refused(metrics[0], REFUSAL_TOO_LARGE);
        look();
        assert_int_equal(recent.counts[REFUSAL_TOO_LARGE][NOW], 1);
        assert_int_equal(sum_of(REFUSAL_TOO_LARGE), 1);
        assert_int_equal(sum_of(REFUSAL_TRUNCATED), 0);
        now_ms += METRICS_RECENT_MINUTES * MINUTE;
    }
}

/* For the thread sanitizer. */
static void *refuse(void *worker)
{
    for (int i = 0; i < 3000; i++) {
        now_ms += MINUTE / 10;
        metrics_refused(worker, REFUSAL_TOO_LARGE);
    }
    return NULL;
}

static void refusals_can_be_read_while_workers_count(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refuse, metrics[i]), 0);
    for (int i = 0; i < 100; i++)
        look();
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    look();
    assert_in_range(sum_of(REFUSAL_TOO_LARGE), 1, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(refusals_of_all_workers_are_added_by_minute),
        TEST(a_refusal_is_forgotten_after_an_hour),
        TEST(a_new_minute_begins_with_zero),
        TEST(refusals_can_be_read_while_workers_count),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
