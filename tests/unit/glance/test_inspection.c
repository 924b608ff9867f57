/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/inspection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    MISMATCH = GLANCE_OBJECTION_BIT(GLANCE_MISMATCH),
    UNSAFE = GLANCE_OBJECTION_BIT(GLANCE_UNSAFE),
    BOOT = GLANCE_OBJECTION_BIT(GLANCE_BOOT_SECTOR)
};

static void glance_checks_are_unknown_at_first(void **state)
{
    (void)state;
    const struct inspection inspection = {0};
    assert_int_equal(inspection_refuses(&inspection), 0);
}

/* Operators may turn the comparison off; then a failed safety check proves nothing about it. */
static void each_refusal_reveals_a_check(void **state)
{
    (void)state;
    static const struct {
        enum glance_objection refused;
        unsigned shown;
    } rows[] = {
        {GLANCE_MISMATCH, MISMATCH | UNSAFE | BOOT},
        {GLANCE_UNSAFE, UNSAFE | BOOT},
        {GLANCE_BOOT_SECTOR, UNSAFE | BOOT},
        {GLANCE_TAKES_IT, UNSAFE | BOOT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct inspection inspection = {0};
        assert_true(inspection_learn_refused(&inspection, rows[i].refused));
        assert_int_equal(inspection_refuses(&inspection), rows[i].shown);
        assert_false(inspection_learn_refused(&inspection, rows[i].refused));
    }
}

/* As with gpt_safety_checks_nonfatal = mbr. */
static void accepted_check_is_not_predicted(void **state)
{
    (void)state;
    struct inspection inspection = {0};
    inspection_learn_taken(&inspection, GLANCE_BOOT_SECTOR);
    inspection_learn_taken(&inspection, GLANCE_TAKES_IT);
    assert_int_equal(inspection_refuses(&inspection), 0);
    assert_true(inspection_learn_refused(&inspection, GLANCE_MISMATCH));
    assert_int_equal(inspection_refuses(&inspection), MISMATCH | UNSAFE);
    assert_false(inspection_learn_refused(&inspection, GLANCE_TAKES_IT));
    /* it was upgraded, or its configuration changed */
    assert_true(inspection_learn_refused(&inspection, GLANCE_BOOT_SECTOR));
    assert_int_equal(inspection_refuses(&inspection), MISMATCH | UNSAFE | BOOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glance_checks_are_unknown_at_first),
        cmocka_unit_test(each_refusal_reveals_a_check),
        cmocka_unit_test(accepted_check_is_not_predicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
