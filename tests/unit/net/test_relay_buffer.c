/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay_buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char source[2 * RELAY_BUFFER_SIZE];
static char sink[2 * RELAY_BUFFER_SIZE];

static int fill_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (char)(i * 31 + i / 251);
    return 0;
}

static void assert_sound(const struct relay_buffer *relay_buffer)
{
    assert_true(relay_buffer->start <= relay_buffer->end);
    assert_true(relay_buffer->end <= RELAY_BUFFER_SIZE);
    assert_true(relay_buffer->end > relay_buffer->start || relay_buffer->start == 0);
    assert_int_equal(relay_buffer_full(relay_buffer), relay_buffer->end - relay_buffer->start);
}

static void empty_buffer_gives_nothing_and_allocates_nothing(void **state)
{
    (void)state;
    struct relay_buffer relay_buffer = {0};
    assert_int_equal(relay_buffer_full(&relay_buffer), 0);
    assert_int_equal(relay_buffer_take(&relay_buffer, sink, sizeof sink), 0);
    assert_int_equal(relay_buffer_take(&relay_buffer, NULL, 0), 0);
    assert_null(relay_buffer.bytes);
    relay_buffer_free(&relay_buffer);
}

/* relay_buffer_put() allocates nothing, so that false always means "no room now". */
static void closed_buffer_takes_nothing(void **state)
{
    (void)state;
    struct relay_buffer relay_buffer = {0};
    assert_false(relay_buffer_is_open(&relay_buffer));
    assert_false(relay_buffer_put(&relay_buffer, source, 1));
    assert_null(relay_buffer.bytes);
    assert_true(relay_buffer_open(&relay_buffer));
    assert_true(relay_buffer_is_open(&relay_buffer));
    assert_true(relay_buffer_put(&relay_buffer, source, 1));
    assert_true(relay_buffer_open(&relay_buffer));
    assert_int_equal(relay_buffer_full(&relay_buffer), 1);
    relay_buffer_free(&relay_buffer);
}

static void buffer_takes_a_whole_piece_or_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t there;
        size_t piece;
        bool fits;
    } rows[] = {
        {0, 0, true},
        {0, RELAY_BUFFER_SIZE, true},
        {0, RELAY_BUFFER_SIZE + 1, false},
        {0, SIZE_MAX, false},
        {1, RELAY_BUFFER_SIZE - 1, true},
        {1, RELAY_BUFFER_SIZE, false},
        {1, SIZE_MAX, false},
        {RELAY_BUFFER_SIZE - 1, 1, true},
        {RELAY_BUFFER_SIZE - 1, 2, false},
        {RELAY_BUFFER_SIZE, 0, true},
        {RELAY_BUFFER_SIZE, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct relay_buffer relay_buffer = {0};
        assert_true(relay_buffer_open(&relay_buffer));
        assert_true(relay_buffer_put(&relay_buffer, source, rows[i].there));
        assert_int_equal(relay_buffer_put(&relay_buffer, source + rows[i].there, rows[i].piece),
                         rows[i].fits);
        size_t expected = rows[i].there + (rows[i].fits ? rows[i].piece : 0);
        assert_int_equal(relay_buffer_full(&relay_buffer), expected);
        assert_sound(&relay_buffer);
        assert_int_equal(relay_buffer_take(&relay_buffer, sink, sizeof sink), expected);
        assert_memory_equal(sink, source, expected);
        relay_buffer_free(&relay_buffer);
    }
}

/* The room before the remaining bytes is used, too. */
static void taken_bytes_make_room(void **state)
{
    (void)state;
    struct relay_buffer relay_buffer = {0};
    assert_true(relay_buffer_open(&relay_buffer));
    assert_true(relay_buffer_put(&relay_buffer, source, RELAY_BUFFER_SIZE));
    assert_int_equal(relay_buffer_take(&relay_buffer, sink, 1), 1);
    assert_true(relay_buffer_put(&relay_buffer, source + RELAY_BUFFER_SIZE, 1));
    assert_sound(&relay_buffer);
    assert_int_equal(relay_buffer_take(&relay_buffer, sink + 1, 999), 999);
    assert_false(relay_buffer_put(&relay_buffer, source + RELAY_BUFFER_SIZE + 1, 1000));
    assert_true(relay_buffer_put(&relay_buffer, source + RELAY_BUFFER_SIZE + 1, 999));
    assert_sound(&relay_buffer);
    assert_int_equal(relay_buffer_take(&relay_buffer, sink + 1000, sizeof sink), RELAY_BUFFER_SIZE);
    assert_memory_equal(sink, source, RELAY_BUFFER_SIZE + 1000);
    assert_sound(&relay_buffer);
    relay_buffer_free(&relay_buffer);
}

static void bytes_come_out_in_order(void **state)
{
    (void)state;
    unsigned short seed[3] = {9, 2, 92};
    struct relay_buffer relay_buffer = {0};
    assert_true(relay_buffer_open(&relay_buffer));
    size_t in = 0, out = 0, refused = 0;
    while (out < sizeof source) {
        size_t piece = (size_t)nrand48(seed) % 9000;
        if (piece > sizeof source - in)
            piece = sizeof source - in;
        bool fits = piece <= RELAY_BUFFER_SIZE - (in - out);
        assert_int_equal(relay_buffer_put(&relay_buffer, source + in, piece), fits);
        in += fits ? piece : 0;
        refused += !fits;
        size_t room = (size_t)nrand48(seed) % 6000;
        size_t taken = relay_buffer_take(&relay_buffer, sink + out, room);
        assert_int_equal(taken, room < in - out ? room : in - out);
        out += taken;
        assert_int_equal(relay_buffer_full(&relay_buffer), in - out);
        assert_sound(&relay_buffer);
    }
    assert_memory_equal(sink, source, sizeof source);
    assert_true(refused > 0); /* otherwise the buffer was never full */
    relay_buffer_free(&relay_buffer);
}

static void freed_buffer_can_be_opened_again(void **state)
{
    (void)state;
    struct relay_buffer relay_buffer = {0};
    assert_true(relay_buffer_open(&relay_buffer));
    assert_true(relay_buffer_put(&relay_buffer, "abc", 3));
    relay_buffer_free(&relay_buffer);
    assert_int_equal(relay_buffer_full(&relay_buffer), 0);
    assert_false(relay_buffer_is_open(&relay_buffer));
    assert_true(relay_buffer_open(&relay_buffer));
    assert_true(relay_buffer_put(&relay_buffer, "defg", 4));
    assert_int_equal(relay_buffer_take(&relay_buffer, sink, 2), 2);
    assert_memory_equal(sink, "de", 2);
    relay_buffer_free(&relay_buffer);
    relay_buffer_free(&relay_buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_buffer_gives_nothing_and_allocates_nothing),
        cmocka_unit_test(closed_buffer_takes_nothing),
        cmocka_unit_test(buffer_takes_a_whole_piece_or_nothing),
        cmocka_unit_test(taken_bytes_make_room),
        cmocka_unit_test(bytes_come_out_in_order),
        cmocka_unit_test(freed_buffer_can_be_opened_again),
    };
    return cmocka_run_group_tests(tests, fill_source, NULL);
}
