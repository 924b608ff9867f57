/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range of a request: what curl -C sends is read, and everything else is a fault. */
#include "intake/content_range.h"

#include "intake/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *read_one(const char *value, uint64_t length, struct content_range *range)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "content-range", value));
    const char *fault = content_range_read(&headers, length, range);
    headers_free(&headers);
    return fault;
}

static void range_of_bytes_is_read(void **state)
{
    (void)state;
    struct content_range range;
    assert_null(read_one("bytes 100-999/1000", 900, &range));
    assert_true(range.present);
    assert_int_equal(range.first, 100);
    assert_int_equal(range.last, 999);
    assert_int_equal(range.total, 1000);
    assert_null(read_one("Bytes 0-0/1", 1, &range));
    assert_null(
        read_one("bytes 9223372036854775805-9223372036854775806/9223372036854775807", 2, &range));
}

static void no_field_is_no_range(void **state)
{
    (void)state;
    struct content_range range = {.present = true};
    assert_null(content_range_read(&(struct headers){0}, 5, &range));
    assert_false(range.present);
}

static void everything_else_is_a_fault(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "bytes",
        "bytes ",
        "bytes 0-4",
        "bytes 0-4/*",
        "bytes */5",
        "bytes 4-0/5",
        "bytes 0-5/5",
        "bytes 0-4/4",
        "bytes -0-4/5",
        "bytes +0-4/5",
        "bytes 0-4/5 ",
        "bytes 0 -4/5",
        "bytes  0-4/5",
        "bytes 0-4/5, 0-4/5",
        "items 0-4/5",
        "bytes 0-3/5",
        "bytes 99999999999999999999-4/5",
        "bytes 0-4/9223372036854775808",
    };
    struct content_range range;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!read_one(rows[i], 5, &range) || range.present)
            fail_msg("'%s' is taken", rows[i]);
}

static void two_fields_are_a_fault(void **state)
{
    (void)state;
    struct headers headers = {0};
    struct content_range range;
    assert_true(headers_add(&headers, "Content-Range", "bytes 0-4/5"));
    assert_true(headers_add(&headers, "Content-Range", "bytes 0-4/5"));
    assert_non_null(content_range_read(&headers, 5, &range));
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_of_bytes_is_read),
        cmocka_unit_test(no_field_is_no_range),
        cmocka_unit_test(everything_else_is_a_fault),
        cmocka_unit_test(two_fields_are_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
