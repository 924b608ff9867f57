/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the output of a body, and checks what must hold for every body:
 *
 *   - the output is the image's bytes, in order;
 *   - the last byte of a known length comes only after the feeder has reported the end;
 *   - a refusal, a break and the end are permanent;
 *   - it never waits without being woken.
 *
 * Include after <cmocka.h>. */
#ifndef BODY_PUMP_H
#define BODY_PUMP_H

#include "feeder.h"

struct pump {
    struct body *body;
    struct feeder *feeder;
    const char *image; /* the expected output */
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
    thread_pool_settle(env.thread_pool, env.loop);
    if (!feeder->woken)
        fail_msg("it waits for nothing");
}

/* A single filter has no filter after it to hold the last byte back. */
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

/* The same end is reported again. */
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
        env.moved += (size_t)got;
    } else if (got == STREAM_NO_SPLICE) {
        got = body_read(pump->body, into, room);
    }
    close(pipe[0]);
    close(pipe[1]);
    return got;
}

/* Reads until STREAM_END, STREAM_LOST or STREAM_REFUSED. */
static inline int pump_read(struct pump *pump)
{
    size_t room = pump->room ? pump->room : BODY_READ_MIN;
    char *into = malloc(room); /* exactly as large, so that a sanitizer sees a read beyond it */
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
