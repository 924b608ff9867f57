/* SPDX-License-Identifier: Apache-2.0 */
#include "event/timers.h"

#include "intake/loop.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 300, OPERATIONS = 200000 };

static void no_timers_means_no_timeout(void **state)
{
    (void)state;
    struct timers timers = {0};
    assert_int_equal(timers_sleep(&timers, 0), -1);
    assert_null(timers_take_due(&timers, UINT64_MAX));
    timers_free(&timers);
}

static void timer_is_due_at_its_time_and_not_before(void **state)
{
    (void)state;
    struct timers timers = {0};
    struct timer timer = {0};
    assert_true(timers_set(&timers, &timer, 1000));
    assert_null(timers_take_due(&timers, 999));
    assert_ptr_equal(timers_take_due(&timers, 1000), &timer);
    assert_null(timers_take_due(&timers, 1000));
    assert_int_equal(timer.place, 0);
    timers_free(&timers);
}

static void timeout_fits_epoll(void **state)
{
    (void)state;
    static const struct {
        uint64_t due;
        uint64_t now;
        int sleep;
    } rows[] = {
        {1000, 999, 1},           {1000, 1000, 0},
        {1000, 1001, 0},          {(uint64_t)INT_MAX + 5, 5, INT_MAX},
        {UINT64_MAX, 0, INT_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct timers timers = {0};
        struct timer timer = {0};
        assert_true(timers_set(&timers, &timer, rows[i].due));
        assert_int_equal(timers_sleep(&timers, rows[i].now), rows[i].sleep);
        timers_free(&timers);
    }
}

static void setting_a_timer_again_moves_it(void **state)
{
    (void)state;
    struct timers timers = {0};
    struct timer moved = {0}, other = {0};
    assert_true(timers_set(&timers, &moved, 10));
    assert_true(timers_set(&timers, &other, 20));
    assert_true(timers_set(&timers, &moved, 30));
    assert_int_equal(timers.count, 2);
    assert_ptr_equal(timers_take_due(&timers, 30), &other);
    assert_ptr_equal(timers_take_due(&timers, 30), &moved);
    timers_free(&timers);
}

static void cancelling_an_unset_timer_does_nothing(void **state)
{
    (void)state;
    struct timers timers = {0};
    struct timer set = {0}, never = {0};
    timers_cancel(&timers, &never);
    assert_true(timers_set(&timers, &set, 10));
    timers_cancel(&timers, &never);
    assert_int_equal(timers.count, 1);
    timers_cancel(&timers, &set);
    timers_cancel(&timers, &set);
    assert_int_equal(timers.count, 0);
    timers_free(&timers);
}

/* --- against a list that is searched from end to end --------------------------------------- */

struct model {
    struct timer timers[MANY];
    bool set[MANY];
    uint64_t due[MANY];
};

static size_t model_count(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < MANY; i++)
        count += model->set[i];
    return count;
}

static uint64_t model_first(const struct model *model)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < MANY; i++)
        if (model->set[i] && model->due[i] < first)
            first = model->due[i];
    return first;
}

static void assert_alike(const struct timers *timers, const struct model *model)
{
    assert_int_equal(timers->count, model_count(model));
    for (size_t i = 0; i < timers->count; i++) {
        assert_int_equal(timers->heap[i]->place, i + 1);
        assert_true(timers->heap[(i ? i - 1 : 0) / 2]->due <= timers->heap[i]->due);
        assert_true(model->set[timers->heap[i] - model->timers]);
    }
}

static void take_due(struct timers *timers, struct model *model, uint64_t now)
{
    uint64_t first = model_first(model);
    struct timer *taken = timers_take_due(timers, now);
    assert_int_equal(taken != NULL, first <= now);
    if (!taken)
        return;
    size_t which = (size_t)(taken - model->timers);
    assert_true(model->set[which]);
    assert_int_equal(model->due[which], first);
    model->set[which] = false;
}

static void timers_agree_with_a_naive_list(void **state)
{
    (void)state;
    static struct model model;
    unsigned short seed[3] = {6, 12, 64};
    struct timers timers = {0};
    for (uint64_t now = 1; now <= OPERATIONS; now++) {
        size_t which = (size_t)nrand48(seed) % MANY;
        switch (nrand48(seed) % 4) {
        case 0:
        case 1:
            model.set[which] = true;
            model.due[which] = now + (uint64_t)nrand48(seed) % 400; /* many are alike */
            assert_true(timers_set(&timers, &model.timers[which], model.due[which]));
            break;
        case 2:
            model.set[which] = false;
            timers_cancel(&timers, &model.timers[which]);
            break;
        default:
            take_due(&timers, &model, now);
        }
        if (now % 16 == 0)
            assert_alike(&timers, &model);
    }
    assert_true(timers.cap >= 128); /* it had to grow */
    while (timers.count)
        take_due(&timers, &model, UINT64_MAX - 1);
    assert_int_equal(model_count(&model), 0);
    timers_free(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_timers_means_no_timeout),
        cmocka_unit_test(timer_is_due_at_its_time_and_not_before),
        cmocka_unit_test(timeout_fits_epoll),
        cmocka_unit_test(setting_a_timer_again_moves_it),
        cmocka_unit_test(cancelling_an_unset_timer_does_nothing),
        cmocka_unit_test(timers_agree_with_a_naive_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
