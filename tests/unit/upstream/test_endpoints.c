/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoint a request goes to, and changes of the list of endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "three_endpoints.h"

static void put_out(const char *url)
{
    check(url, HEALTH_FAILED, 2);
}

static void endpoints_take_turns(void **state)
{
    (void)state;
    static const int TURNS[] = {0, 1, 2, 0, 1, 2};
    for (size_t i = 0; i < sizeof TURNS / sizeof *TURNS; i++) {
        assert_int_equal(next(0), TURNS[i]);
        if (i < 2) /* each kind has its own round robin */
            assert_int_equal(endpoints_choose(endpoints, ABC, THREE, 0, TURN_UPLOAD, -1), TURNS[i]);
    }
}

/* `out`, `busy` and `tried` have a bit for each endpoint. `next` is the one that is chosen. */
static void best_untried_endpoint_is_chosen(void **state)
{
    (void)state;
    static const struct {
        unsigned out, busy, tried;
        int next;
    } rows[] = {
        {0, 0, 0, 0}, {1, 0, 0, 1}, {2, 0, 0, 0},  {3, 0, 0, 2},  {7, 0, 0, 0}, /* all are out */
        {0, 0, 1, 1}, {0, 0, 3, 2}, {0, 0, 7, -1}, {1, 0, 2, 2},  {1, 0, 6, 0}, {0, 1, 0, 1},
        {0, 3, 0, 2}, {0, 7, 0, 0}, {1, 6, 0, 1},  {3, 4, 0, 2},  {3, 4, 4, 0}, {2, 1, 0, 2},
        {6, 1, 0, 0}, {6, 1, 1, 1}, {7, 0, 1, 1},  {7, 0, 7, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tear_down(NULL);
        set_up(NULL);
        for (unsigned place = 0; place < THREE; place++) {
            if (rows[i].out >> place & 1)
                put_out(ABC[place]);
            if (rows[i].busy >> place & 1)
                make_busy(ABC[place]);
        }
        int chosen = next(rows[i].tried);
        if (chosen != rows[i].next)
            fail_msg("row %zu: %d", i, chosen);
    }
}

static void turns_of_a_skipped_endpoint_go_to_all_others(void **state)
{
    (void)state;
    static const int TURNS[] = {1, 2, 1, 2, 1};
    put_out(A);
    for (size_t i = 0; i < sizeof TURNS / sizeof *TURNS; i++)
        assert_int_equal(next(0), TURNS[i]);
}

static int prefer(int preferred, unsigned tried)
{
    return endpoints_choose(endpoints, ABC, THREE, tried, TURN_REQUEST, preferred);
}

static void preferred_endpoint_is_chosen_unless_another_is_better(void **state)
{
    (void)state;
    assert_int_equal(prefer(1, 0), 1);
    assert_int_equal(prefer(1, 2), 0); /* tried */
    assert_int_equal(next(0), 1);      /* a preference took no turn */
    make_busy(C);
    assert_int_equal(prefer(2, 0), 0);
    put_out(A);
    put_out(B);
    assert_int_equal(prefer(2, 0), 2);
}

static void assert_order(const char *const *urls, size_t count)
{
    struct endpoints_view view;
    endpoints_look(endpoints, &view);
    assert_int_equal(view.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(view.rows[i].url, urls[i]);
    endpoints_view_free(&view);
}

static void new_list_keeps_the_state_of_its_endpoints(void **state)
{
    (void)state;
    static char *const CBA[] = {C, B, A, B};
    put_out(A);
    check(B, HEALTH_WELL, 1);
    make_busy(C);
    configure(CBA, 4);
    assert_order((const char *const[]){C, B, A}, 3);
    assert_int_equal(state_of(A), ENDPOINT_OUT);
    assert_int_equal(state_of(B), ENDPOINT_UP);
    assert_int_equal(state_of(C), ENDPOINT_BUSY);

    configure(CBA, 1);
    assert_order((const char *const[]){C}, 1);
    configure(ABC, 1); /* its state is no longer known */
    assert_int_equal(state_of(A), ENDPOINT_UNKNOWN);
    assert_int_equal(next(0), 0);
}

static void flow_is_counted_across_changes_of_the_list(void **state)
{
    (void)state;
    struct endpoints_view view;
    assert_true(endpoints_flow_begins(endpoints, A));
    configure(&ABC[1], 1);
    assert_order((const char *const[]){B}, 1);
    configure(ABC, 1);
    endpoints_look(endpoints, &view);
    assert_int_equal(view.rows[0].flows, 1);
    endpoints_view_free(&view);
    endpoints_flow_ends(endpoints, A);
    endpoints_look(endpoints, &view);
    assert_int_equal(view.rows[0].flows, 0);
    endpoints_view_free(&view);
}

/* Also if the list is empty, or longer than ENDPOINTS_MAX. */
static void choice_stays_within_the_list(void **state)
{
    (void)state;
    char *many[ENDPOINTS_MAX + 1];
    for (size_t i = 0; i < ENDPOINTS_MAX + 1; i++)
        many[i] = A;
    assert_int_equal(endpoints_choose(endpoints, many, 0, 0, TURN_REQUEST, -1), -1);
    assert_int_equal(endpoints_choose(endpoints, many, 1, 1, TURN_REQUEST, -1), -1);
    assert_int_equal(endpoints_choose(endpoints, many, ENDPOINTS_MAX + 1, 0x7fff, TURN_REQUEST, -1),
                     ENDPOINTS_MAX - 1);
    assert_int_equal(endpoints_choose(endpoints, many, ENDPOINTS_MAX + 1, 0xffff, TURN_REQUEST, -1),
                     -1);
}

static void empty_set_uses_the_order_of_the_settings(void **state)
{
    (void)state;
    struct endpoints_view view;
    assert_int_equal(endpoints_choose(NULL, ABC, THREE, 0, TURN_REQUEST, -1), 0);
    assert_int_equal(endpoints_choose(NULL, ABC, THREE, 1, TURN_REQUEST, -1), 1);
    endpoints_refused(NULL, A);
    endpoints_answered(NULL, A);
    assert_false(endpoints_flow_begins(NULL, A));
    endpoints_look(NULL, &view);
    assert_int_equal(view.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(endpoints_take_turns),
        TEST(best_untried_endpoint_is_chosen),
        TEST(turns_of_a_skipped_endpoint_go_to_all_others),
        TEST(preferred_endpoint_is_chosen_unless_another_is_better),
        TEST(new_list_keeps_the_state_of_its_endpoints),
        TEST(flow_is_counted_across_changes_of_the_list),
        TEST(choice_stays_within_the_list),
        TEST(empty_set_uses_the_order_of_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
