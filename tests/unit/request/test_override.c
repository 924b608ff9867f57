/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *query;
    bool is_put;
    const char *left;
} rows[] = {
    {"", false, ""},
    {"a=b&c;d=e", false, "a=b&c;d=e"},
    {"_method=PUT", true, ""},
    {"_method=put", true, ""},
    {"_method=p%55%74", true, ""},
    {"_method=GET", false, ""},
    {"_method=GET&_method=PUT", true, ""},
    {"_method=GET;%5fmethod=PUT", true, ""},
    {"_method=PUT&_method=GET", true, ""}, /* Glance sees GET; it is not worth a doubt */
    {"%5Fmeth%6fd=PUT&x=_method", true, "x=_method"},
    {"a=b&_method=PUT&c=d", true, "a=b&c=d"},
    {"a=b;_method=PUT", true, "a=b;"},
    {"_method", false, ""},
    {"_method=", false, ""},
    {"_method=PUTS", false, ""},
    {"_method=PU", false, ""},
    {"_method=PUT=", false, ""},
    {"_method=PUT+", false, ""},
    {"_method=+PUT", false, ""},
    {"_methods=PUT", false, "_methods=PUT"},
    {"x_method=PUT", false, "x_method=PUT"},
    {"=PUT", false, "=PUT"},
    {"&&;&", false, "&&;&"},
    {"_method=PU%", false, ""},
    {"_metho%64=PU%5", false, ""},
};

static void the_query_may_override_the_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (override_is_put(rows[i].query) != rows[i].is_put)
            fail_msg("%s", rows[i].query);
        char *left = override_removed(rows[i].query);
        assert_non_null(left);
        assert_string_equal(left, rows[i].left);
        assert_false(override_is_put(left));
        free(left);
    }
    assert_false(override_is_put(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_query_may_override_the_method)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
