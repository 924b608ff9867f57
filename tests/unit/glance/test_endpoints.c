/* SPDX-License-Identifier: Apache-2.0 */
#include "glance/glance_priv.h"

#include "intake/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DEAD_FOR = 10000 };

/* The clock is this test's: the linker takes these, and leaves the library's in the archive. */
static uint64_t now;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

/* Three endpoints; the bits of `dead` are dead, those of `tried` were tried. */
static void the_first_living_one_then_the_first_untried(void **state)
{
    (void)state;
    static const struct {
        unsigned dead;
        unsigned tried;
        int next;
    } rows[] = {
        {0, 0, 0}, {1, 0, 1}, {2, 0, 0}, {3, 0, 2},  {7, 0, 0}, /* all: a guess */
        {0, 1, 1}, {0, 2, 0}, {0, 3, 2}, {0, 7, -1},            /* none is left */
        {1, 2, 2}, {1, 6, 0}, {2, 1, 2}, {6, 1, 1},  {7, 1, 1}, {7, 3, 2}, {7, 7, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct glance glance = {0};
        now = 1000;
        for (int endpoint = 0; endpoint < 3; endpoint++)
            if (rows[i].dead & 1U << endpoint)
                endpoint_is_dead(&glance, endpoint);
        if (endpoint_next(&glance, 3, rows[i].tried) != rows[i].next)
            fail_msg("dead %u, tried %u: %d", rows[i].dead, rows[i].tried,
                     endpoint_next(&glance, 3, rows[i].tried));
    }
}

static void the_dead_are_tried_again_after_a_while(void **state)
{
    (void)state;
    struct glance glance = {0};
    now = 5;
    endpoint_is_dead(&glance, 0);
    now += DEAD_FOR - 1;
    assert_int_equal(endpoint_next(&glance, 2, 0), 1);
    now++;
    assert_int_equal(endpoint_next(&glance, 2, 0), 0);

    endpoint_is_dead(&glance, 0); /* still dead: another while */
    now += DEAD_FOR - 1;
    assert_int_equal(endpoint_next(&glance, 2, 0), 1);
}

static void one_that_answers_is_alive_at_once(void **state)
{
    (void)state;
    struct glance glance = {0};
    endpoint_is_dead(&glance, 0);
    assert_int_equal(endpoint_next(&glance, 2, 0), 1);
    endpoint_is_alive(&glance, 0);
    assert_int_equal(endpoint_next(&glance, 2, 0), 0);
}

/* Nothing beyond the list, be it short or longer than what is kept of it. */
static void the_list_has_an_end(void **state)
{
    (void)state;
    struct glance glance = {0};
    assert_int_equal(endpoint_next(&glance, 0, 0), -1);
    assert_int_equal(endpoint_next(&glance, 1, 1), -1);
    assert_int_equal(endpoint_next(&glance, ENDPOINTS_MAX, 0x7fff), ENDPOINTS_MAX - 1);
    assert_int_equal(endpoint_next(&glance, ENDPOINTS_MAX + 1, 0xffff), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_living_one_then_the_first_untried),
        cmocka_unit_test(the_dead_are_tried_again_after_a_while),
        cmocka_unit_test(one_that_answers_is_alive_at_once),
        cmocka_unit_test(the_list_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
