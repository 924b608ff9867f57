/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID     "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void check(const char *value, bool valid)
{
    char id[TRACE_ID_LENGTH + 1] = "unset";
    struct headers headers = {0};
    assert_true(headers_add(&headers, "traceparent", value));
    if (trace_id_find(&headers, id) != valid)
        fail_msg("'%s'", value);
    assert_string_equal(id, valid ? ID : "");
    headers_free(&headers);
}

static void valid_values_have_a_trace_id(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "00-" ID "-" PARENT "-01", "00-" ID "-" PARENT "-00",      "00-" ID "-" PARENT "-ff",
        "01-" ID "-" PARENT "-01", "cc-" ID "-" PARENT "-01-more", "fe-" ID "-" PARENT "-01-",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i], true);
}

static void malformed_values_have_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "00",
        "00-" ID,
        "00-" ID "-" PARENT,
        "00-" ID "-" PARENT "-",
        "00-" ID "-" PARENT "-1",
        "00-" ID "-" PARENT "-011",
        "00-" ID "-" PARENT "-01-more",
        "01-" ID "-" PARENT "-01x",
        "ff-" ID "-" PARENT "-01",
        "0x-" ID "-" PARENT "-01",
        "00_" ID "-" PARENT "-01",
        "00-" ID "_" PARENT "-01",
        "00-" ID "-" PARENT "_01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" ID "-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" ID "-0000000000000000-01",
        "00-" ID "-" PARENT "-0g",
        " 00-" ID "-" PARENT "-01",
        "00-" ID "-" PARENT "-01 ",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i], false);
}

/* Each cut is malformed. */
static void a_value_that_is_cut_has_none(void **state)
{
    (void)state;
    static const char whole[] = "00-" ID "-" PARENT "-01";
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        char cut[sizeof whole] = "";
        memcpy(cut, whole, length);
        check(cut, false);
    }
}

static void several_values_or_none_have_none(void **state)
{
    (void)state;
    char id[TRACE_ID_LENGTH + 1];
    struct headers headers = {0};
    assert_false(trace_id_find(&headers, id));
    assert_string_equal(id, "");
    assert_true(headers_add(&headers, "Traceparent", "00-" ID "-" PARENT "-01"));
    assert_true(headers_add(&headers, "traceparent", "00-" ID "-" PARENT "-01"));
    assert_false(trace_id_find(&headers, id));
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_values_have_a_trace_id),
        cmocka_unit_test(malformed_values_have_none),
        cmocka_unit_test(a_value_that_is_cut_has_none),
        cmocka_unit_test(several_values_or_none_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
