/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool is_loop(const char *name, const char *value)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "Via", "1.0 first, 1.1 second (Apache)"));
    assert_true(headers_add(&headers, name, value));
    bool loop = via_has_own(&headers);
    headers_free(&headers);
    return loop;
}

static void own_name_in_via_is_a_loop(void **state)
{
    (void)state;
    struct headers headers = {0};
    assert_false(via_has_own(&headers));
    assert_true(via_add(&headers));
    assert_true(via_has_own(&headers));
    const char *own = headers_get(&headers, "Via");
    assert_int_equal(strncmp(own, "1.1 glance-intake-", 18), 0);

    char value[256];
    snprintf(value, sizeof value, "1.1 edge, %s ,1.1 other", own);
    assert_true(is_loop("via", value));
    assert_false(is_loop("X-Via", value));
    assert_false(is_loop("Via", "1.1 glance-intake-0123456789abcdef"));
    assert_false(is_loop("Via", "1.1 glance-intake"));
    assert_false(is_loop("Via", ""));
    headers_free(&headers);
}

static void other_via_entries_stay_in_front(void **state)
{
    (void)state;
    struct headers headers = {0};
    assert_true(headers_add(&headers, "Via", "1.0 edge"));
    assert_true(via_add(&headers));
    assert_int_equal(headers_count(&headers, "Via"), 2);
    assert_string_equal(headers_get(&headers, "Via"), "1.0 edge");
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_name_in_via_is_a_loop),
        cmocka_unit_test(other_via_entries_stay_in_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
