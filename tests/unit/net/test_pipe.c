/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void a_whole_piece_fits(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    char *piece = calloc(1, PIPE_SIZE);
    assert_non_null(piece);
    assert_true(pipe_open(&pipe));
    assert_int_equal(write(pipe.ends[1], piece, PIPE_SIZE), PIPE_SIZE);
    assert_int_equal(write(pipe.ends[1], piece, 1), -1); /* and nobody waits for room, */
    for (size_t left = PIPE_SIZE; left;) {
        ssize_t got = read(pipe.ends[0], piece, left);
        assert_true(got > 0);
        left -= (size_t)got;
    }
    assert_int_equal(read(pipe.ends[0], piece, 1), -1); /* or for bytes */
    free(piece);
    pipe_close(&pipe);
}

static void an_open_one_stays(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    assert_true(pipe_open(&pipe));
    assert_int_equal(write(pipe.ends[1], "kept", 4), 4);
    struct pipe before = pipe;
    assert_true(pipe_open(&pipe));
    assert_memory_equal(&pipe, &before, sizeof pipe);
    char text[4];
    assert_int_equal(read(pipe.ends[0], text, sizeof text), 4);
    assert_memory_equal(text, "kept", 4);
    pipe_close(&pipe);
}

static void closing_is_for_good_and_may_be_repeated(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    assert_true(pipe_open(&pipe));
    int end = pipe.ends[0];
    for (int i = 0; i < 2; i++) {
        pipe_close(&pipe);
        assert_memory_equal(&pipe, &NO_PIPE, sizeof pipe);
        assert_int_equal(close(end), -1);
    }
}

static void there_may_be_none(void **state)
{
    (void)state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct pipe pipe = NO_PIPE;
    bool opened = pipe_open(&pipe);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(opened);
    assert_memory_equal(&pipe, &NO_PIPE, sizeof pipe);
    assert_true(pipe_open(&pipe));
    pipe_close(&pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_piece_fits),
        cmocka_unit_test(an_open_one_stays),
        cmocka_unit_test(closing_is_for_good_and_may_be_repeated),
        cmocka_unit_test(there_may_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
