/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing of spliced bytes, by way of pipes. */
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

#include "hashing_run.h"
#include "support/splits.h"

/* --- moved ------------------------------------------------------------------------------------ */

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
static void spliced_bytes_give_the_same_digest(void **state)
{
    (void)state;
    static const size_t pieces[] = {1000, 4096, 64 * 1024 + 1, 300 * 1000, PIPE_SIZE};
    for (size_t algorithms = 1; algorithms <= 3; algorithms += 2)
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
            for (size_t put_every = 0; put_every <= 3; put_every++)
                move_and_compare(pieces[i], put_every, algorithms);
}

static void inlet_needs_threads_and_room(void **state)
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

/* The lowest free descriptor shows whether any was left open. */
static void all_descriptors_are_closed(void **state)
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

static void hashing_reads_when_descriptors_run_out(void **state)
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
static void undeliverable_spliced_bytes_are_dropped(void **state)
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(spliced_bytes_give_the_same_digest),
        TEST(inlet_needs_threads_and_room),
        TEST(all_descriptors_are_closed),
        TEST(only_so_many_pipes_are_open),
        TEST(hashing_reads_when_descriptors_run_out),
        TEST(undeliverable_spliced_bytes_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
