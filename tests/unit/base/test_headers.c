/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void fill(struct headers *headers)
{
    assert_true(headers_add(headers, "Host", "glance:9292"));
    assert_true(headers_add(headers, "X-Image-Meta-Store", "file"));
    assert_true(headers_add(headers, "Accept", "*/*"));
    assert_true(headers_add(headers, "x_image_META-store", "test"));
}

static void names_are_compared_as_glance_does(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *wanted;
        bool same;
    } rows[] = {
        {"Host", "host", true},
        {"X_Image_Meta_Store", "x-image-meta-store", true},
        {"X-IMAGE_META-STORE", "X_Image-Meta_Store", true},
        {"Host", "Hos", false},
        {"Hos", "Host", false},
        {"", "", true},
        {"", "Host", false},
        {"X-Image-Meta-Store ", "X-Image-Meta-Store", false},
        {"X.Image", "X-Image", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(header_name_is(rows[i].name, rows[i].wanted), rows[i].same);
}

static void order_and_spelling_stay(void **state)
{
    (void)state;
    struct headers headers = {0};
    fill(&headers);
    static const char *const names[] = {"Host", "X-Image-Meta-Store", "Accept",
                                        "x_image_META-store"};
    size_t i = 0;
    headers_each(row, &headers)
        assert_string_equal(row->name, names[i++]);
    assert_int_equal(i, 4);
    headers_free(&headers);
    assert_int_equal(headers.count, 0);
}

static void the_first_of_a_name_is_got_and_all_are_counted(void **state)
{
    (void)state;
    struct headers headers = {0};
    assert_null(headers_get(&headers, "Host"));
    fill(&headers);
    assert_string_equal(headers_get(&headers, "x-image-meta-store"), "file");
    assert_int_equal(headers_count(&headers, "X_IMAGE_META_STORE"), 2);
    assert_int_equal(headers_count(&headers, "X-Image"), 0);
    headers_free(&headers);
}

static void removing_takes_every_spelling(void **state)
{
    (void)state;
    struct headers headers = {0};
    fill(&headers);
    assert_int_equal(headers_remove(&headers, "X-Image-Meta-Store"), 2);
    assert_int_equal(headers_remove(&headers, "X-Image-Meta-Store"), 0);
    assert_int_equal(headers.count, 2);
    assert_string_equal(headers.rows[0].name, "Host");
    assert_string_equal(headers.rows[1].name, "Accept");
    headers_free(&headers);
}

static void setting_leaves_exactly_one(void **state)
{
    (void)state;
    struct headers headers = {0};
    fill(&headers);
    assert_true(headers_set(&headers, "X-Image-Meta-Store", "test"));
    assert_int_equal(headers_count(&headers, "X-Image-Meta-Store"), 1);
    assert_string_equal(headers_get(&headers, "X-Image-Meta-Store"), "test");
    assert_int_equal(headers.count, 3);
    headers_free(&headers);
}

static void headers_grow(void **state)
{
    (void)state;
    struct headers headers = {0};
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_true(headers_add(&headers, name, name + 1));
    }
    assert_int_equal(headers.count, 100);
    assert_string_equal(headers_get(&headers, "N99"), "99");
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_as_glance_does),
        cmocka_unit_test(order_and_spelling_stay),
        cmocka_unit_test(the_first_of_a_name_is_got_and_all_are_counted),
        cmocka_unit_test(removing_takes_every_spelling),
        cmocka_unit_test(setting_leaves_exactly_one),
        cmocka_unit_test(headers_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
