/* SPDX-License-Identifier: Apache-2.0 */
#include "body/hashing.h"

#include "intake/digest.h"
#include "intake/loop.h"
#include "intake/thread_pool.h"

#include "net/pipe.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/splits.h"

enum { HELPERS = 2, SIZE = 3000 * 1000 };

static struct loop *loop;
static struct thread_pool *helpers;
static char *image;
static unsigned woken;

static int set_up(void **state)
{
    (void)state;
    alarm(60); /* what waits for ever fails, too */
    loop = loop_new();
    helpers = thread_pool_new(HELPERS);
    image = malloc(SIZE);
    for (size_t i = 0; image && i < SIZE; i++)
        image[i] = (char)(i * 7 + i / 255);
    return loop && helpers && image ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    thread_pool_settle(helpers, loop);
    thread_pool_free(helpers);
    loop_free(loop);
    free(image);
    alarm(0);
    return 0;
}

static void wake(void *context)
{
    assert_ptr_equal(context, image);
    woken++;
}

static struct digests *set_of(const char *const *algorithms, size_t count)
{
    struct digests *set = digests_new();
    assert_non_null(set);
    for (size_t i = 0; i < count; i++)
        assert_true(digests_want(set, algorithms[i]));
    return set;
}

static const char *const THREE[] = {"sha512", "md5", "sha256"};

static struct hashing *begin(struct thread_pool *by, size_t algorithms)
{
    woken = 0;
    struct hashing *hashing = hashing_new(set_of(THREE, algorithms), by, loop, wake, image);
    assert_non_null(hashing);
    return hashing;
}

/* Somebody was told to wait: it is woken by what comes back, and once. */
static void wait_for_it(void)
{
    unsigned before = woken;
    thread_pool_settle(helpers, loop);
    assert_int_equal(woken, before + 1);
}

static void put_all(struct hashing *hashing, const char *bytes, size_t count)
{
    while (count) {
        size_t room = hashing_room(hashing);
        size_t some = room < count ? room : count;
        if (!room)
            wait_for_it();
        assert_true(hashing_put(hashing, bytes, some));
        bytes += some;
        count -= some;
    }
}

static void assert_digests(struct digests *set, const char *bytes, size_t count, size_t algorithms)
{
    struct digests *expected = set_of(THREE, algorithms);
    digests_update(expected, bytes, count);
    for (size_t i = 0; i < algorithms; i++) {
        unsigned char right[DIGEST_MAX_BYTES], got[DIGEST_MAX_BYTES];
        size_t right_size, size;
        assert_true(digests_get(expected, THREE[i], right, &right_size));
        assert_true(digests_get(set, THREE[i], got, &size));
        assert_int_equal(size, right_size);
        assert_memory_equal(got, right, size);
    }
    digests_free(expected);
}

static void hash_and_compare(struct thread_pool *by, struct split split, size_t count,
                             size_t algorithms)
{
    struct hashing *hashing = begin(by, algorithms);
    for (size_t at = 0; at < count;) {
        size_t piece = split_piece(split, at, count);
        put_all(hashing, image + at, piece);
        at += piece;
    }
    if (!hashing_is_over(hashing))
        wait_for_it();
    assert_true(hashing_is_over(hashing));
    assert_digests(hashing_set(hashing), image, count, algorithms);
    hashing_free(hashing);
}

/* Little and much, in pieces of the helpers' and of the loop's own, in turns. */
static void whoever_hashes_it_and_however_it_is_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16 * 1024, 16 * 1024 + 1, HASHING_BLOCK, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct split splits[] = {{sizes[i], 1},
                                       {sizes[i], 1000},
                                       {sizes[i] / 2 + 1, SIZE},
                                       {1000, 30 * 1000},
                                       {20 * 1000, SIZE}};
        for (size_t algorithms = 1; algorithms <= 3; algorithms++)
            for (size_t j = 0; j < sizeof splits / sizeof splits[0]; j++) {
                hash_and_compare(helpers, splits[j], sizes[i], algorithms);
                hash_and_compare(NULL, splits[j], sizes[i], algorithms);
            }
    }
}

static void nothing_is_hashed_where_nobody_asks_for_it(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 0);
    assert_int_equal(hashing_room(hashing), SIZE_MAX);
    for (int i = 0; i < 2 * HASHING_BLOCKS; i++)
        assert_true(hashing_put(hashing, image, SIZE));
    assert_true(hashing_is_over(hashing));
    assert_int_equal(woken, 0);
    hashing_free(hashing);
}

/* --- moved ------------------------------------------------------------------------------------ */

static void assert_lies_in(const struct pipe *pipe, const char *bytes, size_t count)
{
    char *lies = malloc(count + 1);
    assert_non_null(lies);
    assert_int_equal(read(pipe->ends[0], lies, count + 1), count);
    assert_memory_equal(lies, bytes, count);
    free(lies);
}

/* At most as much as a pipe's pages have room for. */
static void move_some(struct hashing *hashing, const char *bytes, size_t count)
{
    struct pipe pipe = NO_PIPE;
    int inlet = hashing_inlet(hashing);
    assert_true(inlet >= 0);
    assert_int_equal(write(inlet, bytes, count), count);
    assert_true(pipe_open(&pipe));
    assert_true(hashing_pass_on(hashing, pipe.ends[1], count));
    assert_lies_in(&pipe, bytes, count);
    pipe_close(&pipe);
}

static void move_and_compare(size_t piece, size_t put_every, size_t algorithms)
{
    struct hashing *hashing = begin(helpers, algorithms);
    size_t count = 0;
    for (size_t at = 0; at < SIZE; at += count) {
        count = MIN(piece, SIZE - at);
        if (!hashing_room(hashing))
            wait_for_it();
        if (put_every && at / piece % put_every == 0)
            assert_true(hashing_put(hashing, image + at, count));
        else
            move_some(hashing, image + at, count);
    }
    if (!hashing_is_over(hashing))
        wait_for_it();
    assert_digests(hashing_set(hashing), image, SIZE, algorithms);
    hashing_free(hashing);
}

/* In pieces of any size, and some of them read, as the first and the last are. */
static void moved_it_comes_to_the_same(void **state)
{
    (void)state;
    static const size_t pieces[] = {1000, 4096, 64 * 1024 + 1, 300 * 1000, PIPE_SIZE};
    for (size_t algorithms = 1; algorithms <= 3; algorithms++)
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
            for (size_t put_every = 0; put_every <= 3; put_every++)
                move_and_compare(pieces[i], put_every, algorithms);
}

static void there_is_an_inlet_where_there_are_helpers_and_room(void **state)
{
    (void)state;
    struct hashing *hashing = begin(NULL, 1);
    assert_int_equal(hashing_inlet(hashing), -1);
    hashing_free(hashing);
    hashing = begin(helpers, 0);
    assert_int_equal(hashing_inlet(hashing), -1);
    hashing_free(hashing);
    hashing = begin(helpers, 2);
    for (int i = 0; i < HASHING_BLOCKS; i++)
        move_some(hashing, image, 1000);
    assert_int_equal(hashing_inlet(hashing), -1);
    assert_int_equal(hashing_room(hashing), 0);
    thread_pool_settle(helpers, loop);
    assert_int_equal(woken, 1);
    assert_true(hashing_inlet(hashing) >= 0);
    hashing_free(hashing);
}

/* The lowest one that is free tells of any that was left open. */
static void nothing_stays_open(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 3);
    int lowest = dup(0);
    close(lowest);
    for (int i = 0; i < HASHING_PIPES; i++) {
        assert_true(hashing_inlet(hashing) >= 0);
        hashing_close_inlet(hashing);
    }
    move_some(hashing, image, 1000);
    thread_pool_settle(helpers, loop);
    int after = dup(0);
    close(after);
    assert_int_equal(after, lowest);
    assert_true(hashing_inlet(hashing) >= 0);
    hashing_free(hashing);
    assert_int_equal(fcntl(lowest, F_GETFD), -1);
}

/* The others go on, with what is read. */
static void only_so_many_pipes_are_open(void **state)
{
    (void)state;
    enum { LANES = 2, MANY = HASHING_PIPES / LANES / HASHING_BLOCKS + 2 };
    struct hashing *many[MANY];
    size_t open = 0;
    for (size_t i = 0; i < MANY; i++) {
        many[i] = begin(helpers, LANES);
        for (size_t j = 0; j < HASHING_BLOCKS; j++)
            if (open == HASHING_PIPES) {
                assert_int_equal(hashing_inlet(many[i]), -1);
                assert_true(hashing_put(many[i], image, HASHING_BLOCK));
            } else {
                move_some(many[i], image, HASHING_BLOCK);
                open += LANES;
            }
    }
    assert_int_equal(open, HASHING_PIPES);
    thread_pool_settle(helpers, loop);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(hashing_inlet(many[i]) >= 0);
        assert_true(hashing_is_over(many[i]));
        hashing_free(many[i]);
    }
}

static void without_descriptors_it_is_read(void **state)
{
    (void)state;
    struct rlimit before, none;
    struct hashing *hashing = begin(helpers, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(0);
    close(lowest);
    for (int more = 0; more < 4; more++) { /* 4 are wanted */
        none = (struct rlimit){(rlim_t)lowest + (rlim_t)more, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int inlet = hashing_inlet(hashing);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(inlet, -1);
    }
    assert_true(hashing_put(hashing, image, HASHING_BLOCK));
    move_some(hashing, image + HASHING_BLOCK, 1000);
    thread_pool_settle(helpers, loop);
    assert_digests(hashing_set(hashing), image, HASHING_BLOCK + 1000, 2);
    hashing_free(hashing);
}

/* Nothing of it is hashed. */
static void what_cannot_be_passed_on_is_dropped(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 3);
    int inlet = hashing_inlet(hashing);
    assert_int_equal(write(inlet, image, 5000), 5000);
    assert_false(hashing_pass_on(hashing, -1, 5000));
    assert_true(hashing_is_over(hashing));
    assert_int_equal(fcntl(inlet, F_GETFD), -1);
    assert_digests(hashing_set(hashing), image, 0, 3);
    hashing_free(hashing);
}

/* --- how much, and who is woken -------------------------------------------------------------- */

static void only_so_many_pieces_are_out(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 2);
    for (int i = 0; i < HASHING_BLOCKS; i++) {
        assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
        assert_true(hashing_put(hashing, image, HASHING_BLOCK));
    }
    assert_int_equal(hashing_room(hashing), 0);
    assert_false(hashing_is_over(hashing));
    thread_pool_settle(helpers, loop);
    assert_int_equal(woken, 1);
    assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
    assert_true(hashing_is_over(hashing));
    hashing_free(hashing);
}

static void who_does_not_wait_is_not_woken(void **state)
{
    (void)state;
    struct hashing *hashing = begin(helpers, 1);
    assert_true(hashing_put(hashing, image, HASHING_BLOCK));
    assert_int_equal(hashing_room(hashing), HASHING_BLOCK);
    thread_pool_settle(helpers, loop);
    assert_true(hashing_is_over(hashing));
    assert_int_equal(woken, 0);
    hashing_free(hashing);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Nobody is woken who is gone; the sanitizers see whether anything is left, or used too long. */
static void it_may_end_while_helpers_have_some_of_it(void **state)
{
    (void)state;
    for (size_t algorithms = 1; algorithms <= 3; algorithms++)
        for (int pieces = 1; pieces <= HASHING_BLOCKS; pieces++) {
            struct hashing *hashing = begin(helpers, algorithms);
            for (int i = 0; i < pieces; i++)
                if (i % 2)
                    move_some(hashing, image, HASHING_BLOCK);
                else
                    assert_true(hashing_put(hashing, image, HASHING_BLOCK));
            hashing_inlet(hashing);
            hashing_room(hashing);
            assert_false(hashing_is_over(hashing));
            hashing_free(hashing);
            thread_pool_settle(helpers, loop);
            assert_int_equal(woken, 0);
        }
}

static void many_at_once_each_have_their_own(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct hashing *many[MANY];
    for (size_t i = 0; i < MANY; i++)
        many[i] = begin(helpers, 2);
    for (size_t at = 0; at < HASHING_BLOCKS; at++)
        for (size_t i = 0; i < MANY; i++)
            assert_true(hashing_put(many[i], image + i * 1000 + at * HASHING_BLOCK, HASHING_BLOCK));
    thread_pool_settle(helpers, loop);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(hashing_is_over(many[i]));
        assert_digests(hashing_set(many[i]), image + i * 1000,
                       (size_t)HASHING_BLOCKS * HASHING_BLOCK, 2);
        hashing_free(many[i]);
    }
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    hashing_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(whoever_hashes_it_and_however_it_is_cut),
        TEST(nothing_is_hashed_where_nobody_asks_for_it),
        TEST(moved_it_comes_to_the_same),
        TEST(there_is_an_inlet_where_there_are_helpers_and_room),
        TEST(nothing_stays_open),
        TEST(only_so_many_pipes_are_open),
        TEST(without_descriptors_it_is_read),
        TEST(what_cannot_be_passed_on_is_dropped),
        TEST(only_so_many_pieces_are_out),
        TEST(who_does_not_wait_is_not_woken),
        TEST(it_may_end_while_helpers_have_some_of_it),
        TEST(many_at_once_each_have_their_own),
        TEST(nothing_is_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
