/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct vector {
    const char *text;
    bool good;
    uint64_t value;
    const char *printed; /* NULL: as it was read */
};

static const struct vector sizes[] = {
    {"0", true, 0, "0B"},
    {"0B", true, 0, NULL},
    {"1B", true, 1, NULL},
    {"1023B", true, 1023, NULL},
    {"1024", true, 1024, "1KiB"},
    {"1KiB", true, 1024, NULL},
    {"10 GiB", true, UINT64_C(10737418240), "10GiB"},
    {"1536MiB", true, UINT64_C(1610612736), NULL},
    {"2048MiB", true, UINT64_C(2147483648), "2GiB"},
    {"1TiB", true, UINT64_C(1099511627776), NULL},
    {"16777215TiB", true, UINT64_C(16777215) << 40, NULL},
    {"18446744073709551615", true, UINT64_MAX, "18446744073709551615B"},
    {"18446744073709551616", false, 0, NULL},
    {"16777216TiB", false, 0, NULL},
    {"", false, 0, NULL},
    {"GiB", false, 0, NULL},
    {"10GB", false, 0, NULL},
    {"10G", false, 0, NULL},
    {"10gib", false, 0, NULL},
    {"1.5GiB", false, 0, NULL},
    {"-1", false, 0, NULL},
    {"+1", false, 0, NULL},
    {" 1", false, 0, NULL},
    {"1GiB ", false, 0, NULL},
    {"0x10", false, 0, NULL},
    {"1s", false, 0, NULL},
};

static const struct vector times[] = {
    {"0", true, 0, "0ms"},        {"250ms", true, 250, NULL},
    {"1000ms", true, 1000, "1s"}, {"75s", true, 75000, NULL},
    {"60s", true, 60000, "1m"},   {"90m", true, 5400000, NULL},
    {"6h", true, 21600000, NULL}, {"6 h", true, 21600000, "6h"},
    {"5", false, 0, NULL},        {"5d", false, 0, NULL},
    {"5sec", false, 0, NULL},     {"", false, 0, NULL},
    {"s", false, 0, NULL},        {"99999999999999999h", false, 0, NULL},
};

static void check(const struct vector *row, bool (*parse)(const char *, uint64_t *),
                  void (*print)(uint64_t, char[UNITS_TEXT_MAX]))
{
    uint64_t value = 42;
    if (parse(row->text, &value) != row->good)
        fail_msg("'%s'", row->text);
    assert_int_equal(value, row->good ? row->value : 42);
    if (!row->good)
        return;
    char text[UNITS_TEXT_MAX];
    print(value, text);
    assert_string_equal(text, row->printed ? row->printed : row->text);
}

static void sizes_are_read_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check(&sizes[i], units_parse_size, units_print_size);
}

static void times_are_read_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        check(&times[i], units_parse_time, units_print_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_and_printed),
        cmocka_unit_test(times_are_read_and_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
