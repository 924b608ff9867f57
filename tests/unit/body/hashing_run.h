/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through the hashing threads. Include after <cmocka.h>. */
#ifndef BODY_HASHING_RUN_H
#define BODY_HASHING_RUN_H

#include "body/hashing.h"
#include "intake/digest.h"
#include "intake/loop.h"
#include "intake/thread_pool.h"
#include "net/pipe.h"
#include "support/splits.h"

enum { HELPERS = 2, SIZE = 3000 * 1000 };

static struct loop *loop;
static struct thread_pool *helpers;
static char *image;
static unsigned woken;

static inline int set_up(void **state)
{
    (void)state;
    alarm(60); /* an endless wait fails, too */
    loop = loop_new();
    helpers = thread_pool_new(HELPERS);
    image = malloc(SIZE);
    for (size_t i = 0; image && i < SIZE; i++)
        image[i] = (char)(i * 7 + i / 255);
    return loop && helpers && image ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    thread_pool_settle(helpers, loop);
    thread_pool_free(helpers);
    loop_free(loop);
    free(image);
    alarm(0);
    return 0;
}

static inline void wake(void *context)
{
    assert_ptr_equal(context, image);
    woken++;
}

static inline struct digests *set_of(const char *const *algorithms, size_t count)
{
    struct digests *set = digests_new();
    assert_non_null(set);
    for (size_t i = 0; i < count; i++)
        assert_true(digests_want(set, algorithms[i]));
    return set;
}

static const char *const THREE[] = {"sha512", "md5", "sha256"};

static inline struct hashing *begin(struct thread_pool *by, size_t algorithms)
{
    woken = 0;
    struct hashing *hashing = hashing_new(set_of(THREE, algorithms), by, loop, wake, image);
    assert_non_null(hashing);
    return hashing;
}

/* A waiting owner is woken by the returned block, once. */
static inline void wait_for_it(void)
{
    unsigned before = woken;
    thread_pool_settle(helpers, loop);
    assert_int_equal(woken, before + 1);
}

static inline void assert_digests(struct digests *set, const char *bytes, size_t count,
                                  size_t algorithms)
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

/* --- moved ------------------------------------------------------------------------------------ */

static inline void assert_lies_in(const struct pipe *pipe, const char *bytes, size_t count)
{
    char *lies = malloc(count + 1);
    assert_non_null(lies);
    assert_int_equal(read(pipe->ends[0], lies, count + 1), count);
    assert_memory_equal(lies, bytes, count);
    free(lies);
}

/* At most as much as a pipe's pages can hold. */
static inline void move_some(struct hashing *hashing, const char *bytes, size_t count)
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

/* The others go on by reading. */
static inline void only_so_many_pipes_are_open(void **state)
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

#endif
