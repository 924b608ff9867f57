/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay_buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char source[2 * WINDOW_SIZE];
static char sink[2 * WINDOW_SIZE];

static int fill_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (char)(i * 31 + i / 251);
    return 0;
}

static void assert_sound(const struct window *window)
{
    assert_true(window->start <= window->end);
    assert_true(window->end <= WINDOW_SIZE);
    assert_true(window->end > window->start || window->start == 0);
    assert_int_equal(window_full(window), window->end - window->start);
}

static void an_empty_one_gives_nothing_and_costs_nothing(void **state)
{
    (void)state;
    struct window window = {0};
    assert_int_equal(window_full(&window), 0);
    assert_int_equal(window_take(&window, sink, sizeof sink), 0);
    assert_int_equal(window_take(&window, NULL, 0), 0);
    assert_null(window.bytes);
    window_free(&window);
}

/* Were it to get its memory here, "no room now" could mean that there is none to be had. */
static void a_closed_one_takes_nothing(void **state)
{
    (void)state;
    struct window window = {0};
    assert_false(window_is_open(&window));
    assert_false(window_put(&window, source, 1));
    assert_null(window.bytes);
    assert_true(window_open(&window));
    assert_true(window_is_open(&window));
    assert_true(window_put(&window, source, 1));
    assert_true(window_open(&window));
    assert_int_equal(window_full(&window), 1);
    window_free(&window);
}

static void it_takes_all_of_a_piece_or_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t there;
        size_t piece;
        bool fits;
    } rows[] = {
        {0, 0, true},           {0, WINDOW_SIZE, true},     {0, WINDOW_SIZE + 1, false},
        {0, SIZE_MAX, false},   {1, WINDOW_SIZE - 1, true}, {1, WINDOW_SIZE, false},
        {1, SIZE_MAX, false},   {WINDOW_SIZE - 1, 1, true}, {WINDOW_SIZE - 1, 2, false},
        {WINDOW_SIZE, 0, true}, {WINDOW_SIZE, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window window = {0};
        assert_true(window_open(&window));
        assert_true(window_put(&window, source, rows[i].there));
        assert_int_equal(window_put(&window, source + rows[i].there, rows[i].piece), rows[i].fits);
        size_t expected = rows[i].there + (rows[i].fits ? rows[i].piece : 0);
        assert_int_equal(window_full(&window), expected);
        assert_sound(&window);
        assert_int_equal(window_take(&window, sink, sizeof sink), expected);
        assert_memory_equal(sink, source, expected);
        window_free(&window);
    }
}

/* The room in front is as good as the room behind. */
static void taken_bytes_make_room(void **state)
{
    (void)state;
    struct window window = {0};
    assert_true(window_open(&window));
    assert_true(window_put(&window, source, WINDOW_SIZE));
    assert_int_equal(window_take(&window, sink, 1), 1);
    assert_true(window_put(&window, source + WINDOW_SIZE, 1));
    assert_sound(&window);
    assert_int_equal(window_take(&window, sink + 1, 999), 999);
    assert_false(window_put(&window, source + WINDOW_SIZE + 1, 1000));
    assert_true(window_put(&window, source + WINDOW_SIZE + 1, 999));
    assert_sound(&window);
    assert_int_equal(window_take(&window, sink + 1000, sizeof sink), WINDOW_SIZE);
    assert_memory_equal(sink, source, WINDOW_SIZE + 1000);
    assert_sound(&window);
    window_free(&window);
}

static void what_goes_in_comes_out_in_order(void **state)
{
    (void)state;
    unsigned short seed[3] = {9, 2, 92};
    struct window window = {0};
    assert_true(window_open(&window));
    size_t in = 0, out = 0, refused = 0;
    while (out < sizeof source) {
        size_t piece = (size_t)nrand48(seed) % 9000;
        if (piece > sizeof source - in)
            piece = sizeof source - in;
        bool fits = piece <= WINDOW_SIZE - (in - out);
        assert_int_equal(window_put(&window, source + in, piece), fits);
        in += fits ? piece : 0;
        refused += !fits;
        size_t room = (size_t)nrand48(seed) % 6000;
        size_t taken = window_take(&window, sink + out, room);
        assert_int_equal(taken, room < in - out ? room : in - out);
        out += taken;
        assert_int_equal(window_full(&window), in - out);
        assert_sound(&window);
    }
    assert_memory_equal(sink, source, sizeof source);
    assert_true(refused > 0); /* it was full at times, or this has tried too little */
    window_free(&window);
}

static void freed_it_is_an_empty_one_again(void **state)
{
    (void)state;
    struct window window = {0};
    assert_true(window_open(&window));
    assert_true(window_put(&window, "abc", 3));
    window_free(&window);
    assert_int_equal(window_full(&window), 0);
    assert_false(window_is_open(&window));
    assert_true(window_open(&window));
    assert_true(window_put(&window, "defg", 4));
    assert_int_equal(window_take(&window, sink, 2), 2);
    assert_memory_equal(sink, "de", 2);
    window_free(&window);
    window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_gives_nothing_and_costs_nothing),
        cmocka_unit_test(a_closed_one_takes_nothing),
        cmocka_unit_test(it_takes_all_of_a_piece_or_nothing),
        cmocka_unit_test(taken_bytes_make_room),
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(freed_it_is_an_empty_one_again),
    };
    return cmocka_run_group_tests(tests, fill_source, NULL);
}
