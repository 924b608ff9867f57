/* SPDX-License-Identifier: Apache-2.0 */
/* How refused connections and health checks change the state of an endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "three_endpoints.h"

enum { REFUSED_FOR = 10000 };

static void refused_connection_puts_an_endpoint_out_for_10_s(void **state)
{
    (void)state;
    endpoints_refused(endpoints, A);
    assert_int_equal(state_of(A), ENDPOINT_OUT); /* no check has said otherwise */
    now += REFUSED_FOR - 1;
    assert_int_equal(next(0), 1);
    assert_int_equal(next(6), 0); /* the others were tried */
    now++;
    assert_int_equal(next(6), 0);
    assert_int_equal(state_of(A), ENDPOINT_UNKNOWN);

    endpoints_refused(endpoints, A);
    endpoints_answered(endpoints, A);
    assert_int_equal(state_of(A), ENDPOINT_UNKNOWN);
    endpoints_refused(endpoints, A);
    check(A, HEALTH_WELL, 1);
    assert_int_equal(state_of(A), ENDPOINT_UP);
    assert_int_equal(next(6), 0);
}

/* w: well; f: failed; s: silent; d: silent while data flows; u: unasked. */
static void health_checks_decide_the_state(void **state)
{
    (void)state;
    static const struct {
        const char *checks;
        enum endpoint_state after;
    } rows[] = {
        {"", ENDPOINT_UNKNOWN}, {"u", ENDPOINT_UNKNOWN}, {"w", ENDPOINT_UP},
        {"f", ENDPOINT_OUT}, /* the first check decides alone */
        {"s", ENDPOINT_OUT},    {"d", ENDPOINT_BUSY},    {"wf", ENDPOINT_UP},
        {"wff", ENDPOINT_OUT},  {"wss", ENDPOINT_OUT},   {"wfs", ENDPOINT_OUT},
        {"wfwf", ENDPOINT_UP},  {"wfuf", ENDPOINT_OUT},  {"wfdf", ENDPOINT_BUSY},
        {"fw", ENDPOINT_OUT},   {"fww", ENDPOINT_UP},    {"fwfw", ENDPOINT_OUT},
        {"wd", ENDPOINT_BUSY},  {"wddd", ENDPOINT_BUSY}, {"wdw", ENDPOINT_UP},
        {"wds", ENDPOINT_BUSY}, {"wdss", ENDPOINT_OUT},  {"sd", ENDPOINT_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tear_down(NULL);
        set_up(NULL);
        for (const char *letter = rows[i].checks; *letter; letter++) {
            if (*letter == 'd')
                make_busy(B);
            else
                check(B,
                      *letter == 'w'   ? HEALTH_WELL
                      : *letter == 'f' ? HEALTH_FAILED
                      : *letter == 's' ? HEALTH_SILENT
                                       : HEALTH_UNASKED,
                      1);
        }
        if (state_of(B) != rows[i].after)
            fail_msg("%s: %s", rows[i].checks, endpoint_state_text(state_of(B)));
    }
}

/* While the data flowed, Glance may have had no free process for the check. */
static void endpoint_is_busy_if_data_flowed_during_a_silent_check(void **state)
{
    (void)state;
    check(A, HEALTH_WELL, 1);
    endpoints_check_begins(endpoints, A);
    assert_true(endpoints_flow_begins(endpoints, A));
    endpoints_flow_ends(endpoints, A);
    endpoints_checked(endpoints, A, HEALTH_SILENT, "silent");
    assert_int_equal(state_of(A), ENDPOINT_BUSY);
    endpoints_check_begins(endpoints, A);
    endpoints_checked(endpoints, A, HEALTH_SILENT, "silent");
    endpoints_check_begins(endpoints, A);
    endpoints_checked(endpoints, A, HEALTH_SILENT, "silent");
    assert_int_equal(state_of(A), ENDPOINT_OUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(refused_connection_puts_an_endpoint_out_for_10_s),
        TEST(health_checks_decide_the_state),
        TEST(endpoint_is_busy_if_data_flowed_during_a_silent_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
