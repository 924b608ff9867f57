/* SPDX-License-Identifier: Apache-2.0 */
/* Images compressed by Debian's tools, and a pump for a body that is decompressed: its job ends
 * only with the body, so the pump waits for one wake-up instead of for all jobs. Include after
 * <cmocka.h>. */
#ifndef BODY_PACKED_H
#define BODY_PACKED_H

#include "pump.h"

#include <stdio.h>

struct packed {
    char *bytes;
    size_t count;
};

static struct thread_pool *decompress_threads;

/* What `command` makes of the file "$F", which has these bytes. */
static inline struct packed pack(const char *command, const void *bytes, size_t count)
{
    char name[] = "/tmp/packed-XXXXXX";
    char line[512];
    int file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, count), count);
    close(file);
    snprintf(line, sizeof line, "F=%s; %s", name, command);
    FILE *made = popen(line, "r");
    assert_non_null(made);
    struct packed packed = {malloc(4 << 20), 0};
    assert_non_null(packed.bytes);
    packed.count = fread(packed.bytes, 1, 4 << 20, made);
    assert_int_equal(pclose(made), 0);
    unlink(name);
    return packed;
}

/* Until the body is woken. A bound ends a test that would wait for ever. */
static inline void packed_wait(struct feeder *feeder)
{
    if (feeder->told_wait) {
        feeder->told_wait = false;
        return;
    }
    alarm(120);
    while (!feeder->woken)
        if (!loop_run_sent(env.loop))
            usleep(100);
    feeder->woken = false;
    alarm(0);
}

static inline struct body_plan packed_plan(struct feeder *feeder)
{
    struct body_plan plan = plan_of(feeder);
    plan.checks.compressed = CHECK_DECOMPRESS;
    plan.decompresses = true;
    plan.decompress_threads = decompress_threads;
    return plan;
}

static inline void packed_done(struct body *body)
{
    body_free(body);
    thread_pool_settle(decompress_threads, env.loop);
    thread_pool_settle(env.thread_pool, env.loop);
    assert_int_equal(spools_used(env.spools), 0);
}

/* Reads the whole body, which must be the image, up to its end. */
static inline int packed_read(struct body *body, struct feeder *feeder, const char *image,
                              size_t count)
{
    struct pump pump = {body, feeder, image, count, 0, 0};
    char into[BODY_READ_MIN];
    ssize_t got;
    while ((got = body_prepare(body)) == STREAM_WAIT)
        packed_wait(feeder);
    if (got != 1)
        return (int)got;
    while ((got = body_read(body, into, sizeof into)) > 0 || got == STREAM_WAIT)
        if (got == STREAM_WAIT)
            packed_wait(feeder);
        else
            pump_check_piece(&pump, into, (size_t)got);
    if (got == STREAM_END)
        assert_int_equal(pump.given, count);
    return pump_check_end(&pump, (int)got, into, sizeof into);
}

static inline int packed_begin(void **state)
{
    decompress_threads = thread_pool_new(2);
    return decompress_threads ? env_begin(state) : -1;
}

static inline int packed_end(void **state)
{
    thread_pool_free(decompress_threads);
    return env_end(state);
}

#endif
