/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_reads_as_an_empty_string(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_clear(&buffer);
    assert_null(buffer.data);
    buffer_free(&buffer);
}

static void appends_follow_each_other(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    assert_true(buffer_append(&buffer, "ab\0c", 4));
    assert_true(buffer_print(&buffer, "%d-%s", 7, "x"));
    assert_int_equal(buffer.len, 7);
    assert_memory_equal(buffer.data, "ab\0c7-x", 8);
    buffer_free(&buffer);
    assert_int_equal(buffer.max, 100);
}

static void the_maximum_holds_for_each_way_to_grow(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 5);
    assert_true(buffer_append(&buffer, "abc", 3));
    assert_false(buffer_append(&buffer, "def", 3));
    assert_false(buffer_print(&buffer, "%s", "def"));
    assert_string_equal(buffer_text(&buffer), "abc");
    assert_true(buffer_print(&buffer, "%s", "de"));
    assert_string_equal(buffer_text(&buffer), "abcde");
    assert_false(buffer_append(&buffer, "f", 1));
    assert_false(buffer_append(&buffer, "f", SIZE_MAX));
    assert_true(buffer_append(&buffer, "", 0));
    buffer_free(&buffer);
}

static void it_grows_past_its_first_allocation(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    for (int i = 0; i < 10000; i++)
        assert_true(buffer_append(&buffer, "0123456789", 10));
    assert_int_equal(buffer.len, 100000);
    assert_int_equal(strlen(buffer.data), 100000);
    assert_memory_equal(buffer.data + 99990, "0123456789", 10);
    assert_false(buffer_append(&buffer, "x", 1));
    buffer_free(&buffer);
}

static void dropping_takes_from_the_front(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        const char *left;
    } rows[] = {{0, "abcdef"}, {2, "cdef"}, {6, ""}, {7, ""}, {SIZE_MAX, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer;
        buffer_init(&buffer, 10);
        assert_true(buffer_print(&buffer, "abcdef"));
        buffer_drop(&buffer, rows[i].count);
        assert_string_equal(buffer_text(&buffer), rows[i].left);
        assert_int_equal(buffer.len, strlen(rows[i].left));
        assert_true(buffer_append(&buffer, "ghij", 4));
        buffer_free(&buffer);
    }
}

static void clearing_keeps_the_memory_and_freeing_does_not(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_true(buffer_append(&buffer, "abc", 3));
    buffer_clear(&buffer);
    assert_non_null(buffer.data);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.cap, 0);
    assert_true(buffer_append(&buffer, "again", 5));
    assert_string_equal(buffer_text(&buffer), "again");
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_reads_as_an_empty_string),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(the_maximum_holds_for_each_way_to_grow),
        cmocka_unit_test(it_grows_past_its_first_allocation),
        cmocka_unit_test(dropping_takes_from_the_front),
        cmocka_unit_test(clearing_keeps_the_memory_and_freeing_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
