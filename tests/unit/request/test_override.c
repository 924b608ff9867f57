/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *query;
    bool named;
} rows[] = {
    {"", false},
    {"a=b&c;d=e", false},
    {"&&;&", false},
    {"=_method", false},
    {"a=_method", false},
    {"a=b=_method", false},
    {"_methods=PUT", false},
    {"x_method=PUT", false},
    {"_metho=PUT", false},
    {"_metho%6=PUT", false},
    {"_metho%6g=PUT", false},
    {"%255Fmethod=PUT", false},
    {"_method", true},
    {"_method=", true},
    {"_method=PUT", true},
    {"_METHOD=put", true},
    {"_method==", true},
    {"a&_method=PUT", true},
    {"a=b;_method=PUT", true},
    {"a=b&_method;c", true},
    {"%5Fmeth%6fd=GET", true},
    {"%5f%6d%65%74%68%6f%64&x", true},
    {"a=?_method&;&_method=PUT&a", true},
};

static void query_may_override_the_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (override_named(rows[i].query) != rows[i].named)
            fail_msg("%s", rows[i].query);
    assert_false(override_named(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(query_may_override_the_method)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
