/* SPDX-License-Identifier: Apache-2.0 */
/* A body between two hands of a test: a feeder gives it bytes in any pieces, with waits between
 * them, and a pump takes out what it gives, and sees to what must hold of every body:
 *
 *   - what comes out are the image's bytes, in their order;
 *   - the last byte of a known length does not come before the feeder has told the end;
 *   - a refusal, a break and the end stay what they are;
 *   - it never waits without anybody being there to wake it.
 *
 * Include after <cmocka.h>. */
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
} yard;

/* The defaults, as far as a body asks for them. */
static inline int yard_defaults(void **state)
{
    (void)state;
    char *base = getenv("TMPDIR");
    memset(&yard.settings, 0, sizeof yard.settings);
    yard.moved = 0;
    yard.settings.upload.unwrap_multipart = true;
    yard.settings.upload.unknown_length = UNKNOWN_LENGTH_SPOOL;
    yard.settings.upload.spool_dir = base ? base : "/tmp";
    yard.settings.upload.spool_limit = 64 << 20;
    yard.settings.upload.checks.damaged = CHECK_REJECT;
    yard.settings.upload.checks.format = CHECK_REJECT;
    yard.settings.upload.checks.unsafe_format = CHECK_REJECT;
    /* Most bodies of these tests are shorter than their made-up headers say. */
    yard.settings.upload.checks.truncated = CHECK_OFF;
    yard.settings.upload.checks.compressed = CHECK_REJECT;
    yard.settings.upload.verify = VERIFY_DIGEST;
    return 0;
}

/* For cmocka_run_group_tests(); YARD_TEST() gives each test its own settings. */
static inline int yard_begin(void **state)
{
    (void)state;
    yard.loop = loop_new();
    yard.thread_pool = thread_pool_new(1);
    yard.spools = yard.thread_pool ? spools_new(yard.thread_pool) : NULL;
    return yard.loop && yard.spools ? 0 : -1;
}

static inline int yard_end(void **state)
{
    (void)state;
    thread_pool_settle(yard.thread_pool, yard.loop);
    uint64_t left = spools_used(yard.spools);
    spools_free(yard.spools);
    thread_pool_free(yard.thread_pool);
    loop_free(yard.loop);
    return left == 0 ? 0 : -1;
}

#define YARD_TEST(test) cmocka_unit_test_setup(test, yard_defaults)

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
    bool over; /* the end, or the break, was told */
    bool woken;
};

/* What is left of it comes in one piece. */
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
    char piece[32 * 1024]; /* less than a pipe has room for */
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

/* Of an image that says it is raw, of no known length. */
static inline struct body_plan plan_of(struct feeder *feeder)
{
    return (struct body_plan){
        .read = feeder_read,
        .wake = feeder_wake,
        .context = feeder,
        .disk_format = "raw",
        .container_format = "bare",
        .settings = &yard.settings,
        .checks = yard.settings.upload.checks,
        .spools = yard.spools,
        .loop = yard.loop,
    };
}

/* The whole chain. */
static inline struct body *body_of(const struct body_plan *plan)
{
    struct body *body = body_new(plan);
    assert_non_null(body);
    return body;
}

/* The source and this one filter; where the others would be the bytes pass by. */
static inline struct body *body_alone(const struct filter_kind *kind, const struct body_plan *plan)
{
    static const struct filter_kind passing = {.size = sizeof(struct filter), .read = filter_pull};
    struct body *body = calloc(1, sizeof *body);
    assert_non_null(body);
    body->plan = *plan;
    body->audit = plan->audit;
    body->limits = (struct body_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        const struct filter_kind *here = phase == FILTER_SOURCE ? &filter_source
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
    thread_pool_settle(yard.thread_pool, yard.loop);
    assert_int_equal(spools_used(yard.spools), 0);
}

/* --- the pump -------------------------------------------------------------------------- */

struct pump {
    struct body *body;
    struct feeder *feeder;
    const char *image; /* what should come out */
    size_t count;
    size_t room; /* of each read; 0: BODY_READ_MIN */

    size_t given;
};

static inline void pump_wait(struct pump *pump)
{
    struct feeder *feeder = pump->feeder;
    if (feeder->told_wait) {
        feeder->told_wait = false;
        return;
    }
    feeder->woken = false;
    thread_pool_settle(yard.thread_pool, yard.loop);
    if (!feeder->woken)
        fail_msg("it waits for nothing");
}

/* A filter that is alone has nobody behind it who holds the last byte back. */
static inline bool pump_finishes(const struct pump *pump)
{
    return pump->body->filters[FILTER_FINISH]->kind == &filter_finish;
}

static inline void pump_check_piece(struct pump *pump, const char *bytes, size_t count)
{
    uint64_t length;
    if (count > pump->count - pump->given || memcmp(bytes, pump->image + pump->given, count) != 0)
        fail_msg("not the image's %zu bytes at %zu", count, pump->given);
    pump->given += count;
    if (!pump_finishes(pump) || !body_length(pump->body, &length))
        return;
    if (pump->given > length)
        fail_msg("%zu bytes of %zu", pump->given, (size_t)length);
    if (pump->given == length && (!pump->feeder->over || !body_finished(pump->body)))
        fail_msg("the last byte came before the end");
}

/* What ended it says the same again. */
static inline int pump_check_end(struct pump *pump, int end, char *into, size_t room)
{
    const char *detail;
    bool refused = body_refusal(pump->body, &detail) != REFUSAL_NONE;
    if (refused != (end == STREAM_REFUSED))
        fail_msg("%d, and refused: %d, %s", end, refused, detail);
    for (int again = 0; again < 2; again++)
        if (body_read(pump->body, into, room) != end)
            fail_msg("%d does not last", end);
    return end;
}

/* 1, STREAM_LOST or STREAM_REFUSED. */
static inline int pump_prepare(struct pump *pump)
{
    int ready;
    while ((ready = body_prepare(pump->body)) == STREAM_WAIT)
        pump_wait(pump);
    assert_int_equal(body_prepare(pump->body), ready);
    return ready;
}

/* As body_read(), where moving is not allowed, or not wanted. */
static inline ssize_t pump_take(struct pump *pump, char *into, size_t room)
{
    int pipe[2];
    if (!pump->body->plan.splice)
        return body_read(pump->body, into, room);
    assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
    ssize_t got = body_splice(pump->body, pipe[1], room);
    if (got > 0) {
        assert_int_equal(read(pipe[0], into, room), got);
        yard.moved += (size_t)got;
    } else if (got == STREAM_NO_SPLICE) {
        got = body_read(pump->body, into, room);
    }
    close(pipe[0]);
    close(pipe[1]);
    return got;
}

/* Takes out what there is: STREAM_END, STREAM_LOST or STREAM_REFUSED. */
static inline int pump_read(struct pump *pump)
{
    size_t room = pump->room ? pump->room : BODY_READ_MIN;
    char *into =
        malloc(room); /* as large as that, and no larger: a sanitizer sees what is behind */
    assert_non_null(into);
    ssize_t got;
    while ((got = pump_take(pump, into, room)) > 0 || got == STREAM_WAIT) {
        if (got == STREAM_WAIT)
            pump_wait(pump);
        else
            pump_check_piece(pump, into, (size_t)got);
    }
    pump_check_end(pump, (int)got, into, room);
    if (pump_finishes(pump) && (got == STREAM_END) != body_finished(pump->body))
        fail_msg("%d, and finished: %d", (int)got, body_finished(pump->body));
    free(into);
    return (int)got;
}

/* From the beginning to whatever end. */
static inline int pump_all(struct pump *pump)
{
    int ready = pump_prepare(pump);
    return ready == 1 ? pump_read(pump) : ready;
}

#endif
