/* SPDX-License-Identifier: Apache-2.0 */
#include "body/stripped.h"

#include "support/splits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* `length` bytes that curl -d would keep, but for `byte` at `at`. */
struct vector {
    size_t length;
    int byte; /* NOTHING: there is none */
    size_t at;
    bool stripped;
};

enum { NOTHING = -1 };

static const struct vector VECTORS[] = {
    {0, NOTHING, 0, false},
    {STRIPPED_MIN - 1, NOTHING, 0, false},
    {STRIPPED_MIN, NOTHING, 0, true},
    {STRIPPED_MIN + 1, NOTHING, 0, true},
    {STRIPPED_MIN + 1, '\0', 0, false},
    {STRIPPED_MIN + 1, '\n', 0, false},
    {STRIPPED_MIN + 1, '\r', 0, false},
    {STRIPPED_MIN + 1, '\0', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN + 1, '\n', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN + 1, '\r', STRIPPED_MIN - 1, false},
    {STRIPPED_MIN + 1, '\0', STRIPPED_MIN, true},
    {STRIPPED_MIN + 1, '\n', STRIPPED_MIN, true},
    {STRIPPED_MIN + 1, '\r', STRIPPED_MIN, true},
    {STRIPPED_MIN, '\t', 100, true},
    {2 * STRIPPED_MIN, '\0', 1, false}, /* 4 KiB without any, but not from the start */
};

/* Every byte but the three. */
static void fill(unsigned char *bytes, const struct vector *vector)
{
    unsigned char next = 0;
    for (size_t i = 0; i < vector->length; i++, next++) {
        while (next == '\0' || next == '\n' || next == '\r')
            next++;
        bytes[i] = next;
    }
    if (vector->byte != NOTHING)
        bytes[vector->at] = (unsigned char)vector->byte;
}

/* It is told with the piece that holds the last of the 4 KiB, and from then on. */
static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    unsigned char bytes[2 * STRIPPED_MIN];
    fill(bytes, vector);
    struct stripped stripped = {0};
    for (size_t at = 0; at < vector->length;) {
        size_t piece = split_piece(split, at, vector->length);
        bool told = stripped_look(&stripped, bytes + at, piece);
        at += piece;
        if (told != (vector->stripped && at >= STRIPPED_MIN))
            fail_msg("vector %td, split {%zu, %zu}: %d at byte %zu", vector - VECTORS, split.first,
                     split.rest, told, at);
    }
}

static void it_judges_the_first_4_KiB(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        splits_each(VECTORS[i].length, attempt, &VECTORS[i]);
}

static void an_empty_piece_says_nothing(void **state)
{
    (void)state;
    struct stripped stripped = {0};
    assert_false(stripped_look(&stripped, NULL, 0));
    assert_false(stripped_look(&stripped, "\n", 0));
    assert_false(stripped.settled);
    assert_int_equal(stripped.seen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_judges_the_first_4_KiB),
        cmocka_unit_test(an_empty_piece_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
