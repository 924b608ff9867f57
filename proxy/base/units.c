/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and times with their units. */
#include "intake/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: printing uses the first unit that divides the value. */
static const struct unit sizes[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"B", 1},
};
static const struct unit times[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0], TIME_COUNT = sizeof times / sizeof times[0] };

/* Reads digits and the blanks after them. Returns the text that follows; NULL: there is no digit,
 * or the number is 2^64 or more. */
static const char *read_number(const char *text, uint64_t *number)
{
    if (!isdigit((unsigned char)*text))
        return NULL;
    *number = 0;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *text - '0', number))
            return NULL;
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static const struct unit *find_unit(const char *name, const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, units[i].name) == 0)
            return &units[i];
    return NULL;
}

static bool parse(const char *text, const struct unit *units, size_t count, bool unit_optional,
                  uint64_t *out)
{
    uint64_t number;
    uint64_t value;
    const char *name = read_number(text, &number);
    if (!name)
        return false;
    if (!*name) {
        if (!unit_optional && number != 0)
            return false;
        *out = number;
        return true;
    }
    const struct unit *unit = find_unit(name, units, count);
    if (!unit || __builtin_mul_overflow(number, unit->factor, &value))
        return false;
    *out = value;
    return true;
}

static void print(uint64_t value, const struct unit *units, size_t count, char *out)
{
    size_t i = value ? 0 : count - 1;
    while (value % units[i].factor != 0)
        i++;
    snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
}

bool units_parse_size(const char *text, uint64_t *bytes)
{
    return parse(text, sizes, SIZE_COUNT, true, bytes);
}

bool units_parse_time(const char *text, uint64_t *milliseconds)
{
    return parse(text, times, TIME_COUNT, false, milliseconds);
}

void units_print_size(uint64_t bytes, char out[UNITS_TEXT_MAX])
{
    print(bytes, sizes, SIZE_COUNT, out);
}

void units_print_time(uint64_t milliseconds, char out[UNITS_TEXT_MAX])
{
    print(milliseconds, times, TIME_COUNT, out);
}
