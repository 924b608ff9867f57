/* SPDX-License-Identifier: Apache-2.0 */
#include "body/stripped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOTHING = -1 };

/* `length` bytes that curl -d would keep, but for `byte` at `at`. */
static const struct {
    size_t length;
    int byte; /* NOTHING: there is none */
    size_t at;
    bool stripped;
} VECTORS[] = {
    {0, NOTHING, 0, false},
    {1, NOTHING, 0, false},
    {STRIPPED_MIN - 1, NOTHING, 0, false},
    {STRIPPED_MIN, NOTHING, 0, true},
    {STRIPPED_MIN + 1, NOTHING, 0, true},
    {STRIPPED_MIN, '\0', 0, false},
    {STRIPPED_MIN, '\n', 0, false},
    {STRIPPED_MIN, '\r', 0, false},
    {STRIPPED_MIN, '\0', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN, '\n', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN, '\r', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN, '\t', 100, true},
    {STRIPPED_MIN, 0x80, 100, true},
    {64 * 1024, NOTHING, 0, true},
    {64 * 1024, '\0', 1, false},
    {64 * 1024, '\0', 64 * 1024 - 1, false},
    {64 * 1024, '\n', 32 * 1024, false},
    {64 * 1024, '\r', STRIPPED_MIN, false},
};

/* Every byte but the three. */
static void fill(unsigned char *bytes, size_t length)
{
    unsigned char next = 0;
    for (size_t i = 0; i < length; i++, next++) {
        while (next == '\0' || next == '\n' || next == '\r')
            next++;
        bytes[i] = next;
    }
}

static void one_of_three_bytes_rules_out_stripping(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        unsigned char *bytes =
            malloc(VECTORS[i].length + 1); /* exactly as large: nothing is read beyond it */
        assert_non_null(bytes);
        fill(bytes + 1, VECTORS[i].length);
        if (VECTORS[i].byte != NOTHING)
            bytes[1 + VECTORS[i].at] = (unsigned char)VECTORS[i].byte;
        if (stripped(bytes + 1, VECTORS[i].length) != VECTORS[i].stripped)
            fail_msg("vector %zu", i);
        free(bytes);
    }
}

static void empty_body_is_not_stripped(void **state)
{
    (void)state;
    assert_false(stripped(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_three_bytes_rules_out_stripping),
        cmocka_unit_test(empty_body_is_not_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
