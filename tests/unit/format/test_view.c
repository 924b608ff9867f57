/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/format/format_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const unsigned char BYTES[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void numbers_are_read_in_both_orders(void **state)
{
    (void)state;
    struct view view = {BYTES, sizeof BYTES, false};
    assert_int_equal(view_u8(&view, 8), 9);
    assert_int_equal(view_be16(&view, 7), 0x0809);
    assert_int_equal(view_le16(&view, 7), 0x0908);
    assert_int_equal(view_be32(&view, 1), 0x02030405);
    assert_int_equal(view_le32(&view, 1), 0x05040302);
    assert_true(view_be64(&view, 0) == UINT64_C(0x0102030405060708));
    assert_true(view_le64(&view, 1) == UINT64_C(0x0908070605040302));
    assert_false(view.out_of_bounds);
}

static void reading_beyond_the_end_gives_zero_and_is_remembered(void **state)
{
    (void)state;
    struct view view = {BYTES, sizeof BYTES, false};
    static const size_t far[] = {9, 100, SIZE_MAX, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        view.out_of_bounds = false;
        assert_int_equal(view_u8(&view, far[i]), 0);
        assert_true(view.out_of_bounds);
    }
    assert_int_equal(view_be16(&view, 8) | view_le16(&view, 8), 0);
    assert_int_equal(view_be32(&view, 6) | view_le32(&view, 6), 0);
    assert_true((view_be64(&view, 2) | view_le64(&view, 2)) == 0);
    view.out_of_bounds = false;
    assert_true(view_be64(&view, 2) == 0);
    assert_int_equal(view_u8(&view, 0), 1);
    assert_true(view.out_of_bounds);
}

static void checking_for_bytes_is_not_reading(void **state)
{
    (void)state;
    struct view view = {BYTES, sizeof BYTES, false};
    assert_true(view_has(&view, 0, 9));
    assert_true(view_has(&view, 9, 0));
    assert_false(view_has(&view, 9, 1));
    assert_false(view_has(&view, 1, UINT64_MAX));
    assert_false(view_has(&view, UINT64_MAX, 1));
    assert_true(view_is(&view, 7, "\x08\x09", 2));
    assert_false(view_is(&view, 7, "\x08\x0A", 2));
    assert_false(view_is(&view, 8, "\x09\x0A", 2));
    assert_false(view.out_of_bounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_both_orders),
        cmocka_unit_test(reading_beyond_the_end_gives_zero_and_is_remembered),
        cmocka_unit_test(checking_for_bytes_is_not_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
