/* SPDX-License-Identifier: Apache-2.0 */
/* A body, and the feeder that gives it bytes in any pieces, with waits between them. Include after
 * <cmocka.h>. */
#ifndef BODY_FEEDER_H
#define BODY_FEEDER_H

#include "body/body_priv.h"
#include "intake/loop.h"
#include "intake/spool.h"
#include "intake/stream.h"
#include "intake/thread_pool.h"
#include "support/splits.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

/* --- what stands around every body ----------------------------------------------------- */

static struct {
    struct loop *loop;
    struct thread_pool *thread_pool;
    struct spools *spools;
    struct settings settings; /* a test may change them, and has the defaults at its beginning */
    size_t moved;             /* bytes that bodies have let pass unseen; a test's own, likewise */
} env;

/* The defaults, as far as a body asks for them. */
static inline int env_defaults(void **state)
{
    (void)state;
    char *base = getenv("TMPDIR");
    memset(&env.settings, 0, sizeof env.settings);
    env.moved = 0;
    env.settings.upload.unwrap_multipart = true;
    env.settings.upload.unknown_length = UNKNOWN_LENGTH_SPOOL;
    env.settings.upload.spool_dir = base ? base : "/tmp";
    env.settings.upload.spool_limit = 64 << 20;
    env.settings.upload.checks.damaged = CHECK_REJECT;
    env.settings.upload.checks.format = CHECK_REJECT;
    env.settings.upload.checks.unsafe_format = CHECK_REJECT;
    /* Most bodies of these tests are shorter than their made-up headers say. */
    env.settings.upload.checks.truncated = CHECK_OFF;
    env.settings.upload.checks.compressed = CHECK_REJECT;
    env.settings.upload.verify = VERIFY_DIGEST;
    return 0;
}

/* For cmocka_run_group_tests(); ENV_TEST() gives each test its own settings. */
static inline int env_begin(void **state)
{
    (void)state;
    env.loop = loop_new();
    env.thread_pool = thread_pool_new(1);
    env.spools = env.thread_pool ? spools_new(env.thread_pool) : NULL;
    return env.loop && env.spools ? 0 : -1;
}

static inline int env_end(void **state)
{
    (void)state;
    thread_pool_settle(env.thread_pool, env.loop);
    uint64_t left = spools_used(env.spools);
    spools_free(env.spools);
    thread_pool_free(env.thread_pool);
    loop_free(env.loop);
    return left == 0 ? 0 : -1;
}

#define ENV_TEST(test) cmocka_unit_test_setup(test, env_defaults)

/* --- the feeder ------------------------------------------------------------------------ */

struct feeder {
    const char *bytes;
    size_t count;
    struct split split; /* the pieces they come in */
    unsigned random;    /* a seed: pieces of any size instead */
    bool waits;         /* STREAM_WAIT before each piece, and before the end */
    bool breaks;        /* off, where it should end */

    size_t at;    /* bytes given */
    size_t piece; /* left of the piece in hand */
    bool waited;  /* for the next piece */
    bool told_wait;
    bool over; /* the end, or the break, was reported */
    bool woken;
};

/* The rest comes in one piece. */
static inline struct feeder feeder_of(const void *bytes, size_t count)
{
    return (struct feeder){.bytes = bytes, .count = count, .split = {count, 1}};
}

static inline size_t feeder_piece(struct feeder *feeder)
{
    size_t left = feeder->count - feeder->at;
    if (!feeder->random)
        return split_piece(feeder->split, feeder->at, feeder->count);
    feeder->random = feeder->random * 1103515245U + 12345U;
    unsigned digits = feeder->random >> 16 & 15; /* as many small ones as large ones */
    return MIN(left, 1 + (feeder->random >> 8 & ((2U << digits) - 1)));
}

/* As client_read(). */
static inline ssize_t feeder_read(void *context, void *into, size_t room)
{
    struct feeder *feeder = context;
    assert_int_not_equal(room, 0);
    if (feeder->piece == 0 && feeder->waits && !feeder->waited) {
        feeder->waited = feeder->told_wait = true;
        return STREAM_WAIT;
    }
    if (feeder->at == feeder->count) {
        feeder->over = true;
        return feeder->breaks ? STREAM_LOST : STREAM_END;
    }
    if (feeder->piece == 0)
        feeder->piece = feeder_piece(feeder);
    size_t count = MIN(room, feeder->piece);
    memcpy(into, feeder->bytes + feeder->at, count);
    feeder->at += count;
    feeder->piece -= count;
    feeder->waited = false;
    return (ssize_t)count;
}

/* As client_splice(): the end has to be read. */
static inline ssize_t feeder_move(void *context, int pipe, size_t room)
{
    struct feeder *feeder = context;
    assert_int_not_equal(room, 0);
    if (feeder->at == feeder->count && !feeder->breaks)
        return STREAM_NO_SPLICE;
    char piece[32 * 1024]; /* less than a pipe can hold */
    ssize_t got = feeder_read(feeder, piece, MIN(room, sizeof piece));
    if (got > 0)
        assert_int_equal(write(pipe, piece, (size_t)got), got);
    return got;
}

static inline void feeder_wake(void *context)
{
    ((struct feeder *)context)->woken = true;
}

/* --- bodies ---------------------------------------------------------------------------- */

/* The plan of an image that is declared raw, of unknown length. */
static inline struct body_plan plan_of(struct feeder *feeder)
{
    return (struct body_plan){
        .read = feeder_read,
        .wake = feeder_wake,
        .context = feeder,
        .disk_format = "raw",
        .container_format = "bare",
        .settings = &env.settings,
        .checks = env.settings.upload.checks,
        .spools_unknown_length = env.settings.upload.unknown_length == UNKNOWN_LENGTH_SPOOL,
        .spools = env.spools,
        .loop = env.loop,
    };
}

/* The whole chain. */
static inline struct body *body_of(const struct body_plan *plan)
{
    struct body *body = body_new(plan);
    assert_non_null(body);
    return body;
}

/* The source and this one filter; where the others would be the bytes pass by. filter_finish
 * compares with what filter_measure has counted, and gets that, too. */
static inline struct body *body_alone(const struct filter_kind *kind, const struct body_plan *plan)
{
    static const struct filter_kind passing = {.size = sizeof(struct filter), .read = filter_pull};
    struct body *body = calloc(1, sizeof *body);
    assert_non_null(body);
    body->plan = *plan;
    body->audit = plan->audit;
    body->limits = (struct body_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        bool counts = phase == FILTER_MEASURE && kind == &filter_finish;
        const struct filter_kind *here = phase == FILTER_SOURCE ? &filter_source
                                         : counts               ? &filter_measure
                                         : phase == kind->phase ? kind
                                                                : &passing;
        struct filter *filter = calloc(1, here->size);
        assert_non_null(filter);
        filter->kind = here;
        filter->body = body;
        filter->before = phase ? body->filters[phase - 1] : NULL;
        body->filters[phase] = filter;
        assert_true(!here->begin || here->begin(filter));
    }
    return body;
}

/* Its spool's space is back, too. */
static inline void body_done(struct body *body)
{
    body_free(body);
    thread_pool_settle(env.thread_pool, env.loop);
    assert_int_equal(spools_used(env.spools), 0);
}

#endif
