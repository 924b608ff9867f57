/* SPDX-License-Identifier: Apache-2.0 */
/* slow = spool, in spool_filter.c: a slow body is kept on disk, a fast one goes on as it comes. */
#include "body/pace.h"
#include "intake/body.h"
#include "intake/clock.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "pump.h"

enum { LARGEST = 2 << 20, RATE = 400 * 1000 };

static char image[LARGEST];
static uint64_t now;      /* ms */
static uint64_t per_read; /* how much of it passes with each read */

/* The linker takes these functions instead of those of the proxy's library. */
uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return env_begin(state);
}

static int defaults(void **state)
{
    now = 5000;
    per_read = 0;
    env_defaults(state);
    env.settings.upload.slow = SLOW_UPLOAD_SPOOL;
    env.settings.upload.slow_rate = RATE;
    env.settings.upload.unknown_length = UNKNOWN_LENGTH_STREAM;
    return 0;
}

#define SLOW_TEST(test) cmocka_unit_test_setup(test, defaults)

static ssize_t read_slowly(void *context, void *into, size_t room)
{
    now += per_read;
    return feeder_read(context, into, room);
}

static struct body_plan plan_for(struct feeder *feeder, size_t length)
{
    struct body_plan plan = plan_of(feeder);
    plan.read = read_slowly;
    plan.length_known = length > 0;
    plan.length = length;
    return plan;
}

/* A body in pieces of 20 KB, each of which takes `ms`. */
static void try(size_t count, uint64_t ms, bool length_known, bool slow)
{
    struct feeder feeder = feeder_of(image, count);
    feeder.split = (struct split){20000, 20000};
    feeder.waits = true;
    per_read = ms;
    const struct body_plan plan = plan_for(&feeder, length_known ? count : 0);
    struct pump pump = {body_of(&plan), &feeder, image, count, 0, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    assert_int_equal(body_is_slow(pump.body), slow);
    assert_int_equal(body_spooled(pump.body), slow ? count : 0);
    assert_int_equal(feeder.over, slow);
    uint64_t length;
    assert_int_equal(body_length(pump.body, &length), slow || length_known);
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    body_done(pump.body);
}

static void pace_decides(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        try(LARGEST, 0, known, false);
        try(LARGEST, 20, known, false); /* 500 KB/s, waits counted */
        try(LARGEST, 40, known, true);  /* 250 KB/s */
        try(500000, 1000, known, true);
        try(LARGEST, 3000, known, true); /* the opening alone takes too long */
    }
}

/* The opening alone, which the spool does not have, shows that it is fast: nothing is spooled. */
static void body_is_whole_whatever_the_rate(void **state)
{
    (void)state;
    static const uint64_t rates[] = {
        1, FORMAT_OPENING - 1, FORMAT_OPENING, FORMAT_OPENING + 1, 80000, SPOOL_BLOCK, RATE};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        env.settings.upload.slow_rate = rates[i];
        for (int known = 0; known < 2; known++)
            try(LARGEST, 0, known, false);
    }
}

/* What comes before the pace is known is all of it. */
static void small_body_needs_no_disk(void **state)
{
    (void)state;
    static const size_t counts[] = {1, FORMAT_OPENING - 1, FORMAT_OPENING};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct feeder feeder = feeder_of(image, counts[i]);
        const struct body_plan plan = plan_for(&feeder, counts[i]);
        per_read = 1500;
        struct pump pump = {body_of(&plan), &feeder, image, counts[i], 0, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(body_spooled(pump.body), 0);
        assert_int_equal(spools_used(env.spools), 0);
        assert_int_equal(pump_read(&pump), STREAM_END);
        body_done(pump.body);
    }
}

/* The rest of a fast body may be spliced. */
static void fast_body_leaves_the_spool(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){100000, 100000};
    struct body_plan plan = plan_for(&feeder, LARGEST);
    plan.splice = feeder_move;
    env.settings.upload.verify = VERIFY_OFF;
    struct pump pump = {body_of(&plan), &feeder, image, LARGEST, 0, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    assert_true(feeder.at < RATE + 2 * SPOOL_BLOCK);
    size_t held = feeder.at;
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, LARGEST);
    assert_true(env.moved >= LARGEST - held - 64 * 1024);
    thread_pool_settle(env.thread_pool, env.loop);
    assert_int_equal(spools_used(env.spools), 0);
    body_done(pump.body);
}

/* Before the rest of it has come. */
static void known_length_is_reserved(void **state)
{
    (void)state;
    const char *detail;
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){20000, 20000};
    const struct body_plan plan = plan_for(&feeder, LARGEST);
    per_read = 1000;
    env.settings.upload.spool_limit = LARGEST - 1;
    struct pump pump = {body_of(&plan), &feeder, image, 0, 0, 0};
    assert_int_equal(pump_prepare(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_SPOOL_FULL);
    assert_true(feeder.at < LARGEST / 2);
    body_done(pump.body);
}

/* A full disk does not refuse a fast body: a block in memory is enough to measure it. */
static void full_disk_refuses_slow_bodies_only(void **state)
{
    (void)state;
    const char *detail;
    env.settings.upload.spool_limit = 1;
    try(LARGEST, 20, true, false);
    try(LARGEST, 0, false, false);
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){20000, 20000};
    const struct body_plan plan = plan_for(&feeder, LARGEST);
    per_read = 100;
    struct pump pump = {body_of(&plan), &feeder, image, 0, 0, 0};
    assert_int_equal(pump_prepare(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_SPOOL_FULL);
    assert_int_equal(spools_used(env.spools), 0);
    body_done(pump.body);
}

/* It is found slow although no byte comes that would be looked at. */
static void silent_body_is_slow(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){1000, 1000};
    feeder.waits = true;
    const struct body_plan plan = plan_for(&feeder, LARGEST);
    struct pump pump = {body_of(&plan), &feeder, image, LARGEST, 0, 0};
    assert_int_equal(body_prepare(pump.body), STREAM_WAIT);
    now += BODY_PACE_MS - 1;
    assert_false(body_is_slow(pump.body));
    now += 1;
    assert_true(body_is_slow(pump.body));
    body_done(pump.body);
}

static void other_bodies_are_not_measured(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    struct body_plan plan = plan_for(&feeder, LARGEST);
    plan.audit = true;
    per_read = 5000;
    struct body *body = body_of(&plan);
    assert_int_equal(body_prepare(body), 1);
    assert_false(body_is_slow(body));
    body_done(body);
    plan.audit = false;
    feeder = feeder_of(image, LARGEST);
    env.settings.upload.slow = SLOW_UPLOAD_STREAM;
    body = body_of(&plan);
    assert_int_equal(body_prepare(body), 1);
    assert_false(body_is_slow(body));
    body_done(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOW_TEST(pace_decides),
        SLOW_TEST(body_is_whole_whatever_the_rate),
        SLOW_TEST(small_body_needs_no_disk),
        SLOW_TEST(fast_body_leaves_the_spool),
        SLOW_TEST(known_length_is_reserved),
        SLOW_TEST(full_disk_refuses_slow_bodies_only),
        SLOW_TEST(silent_body_is_slow),
        SLOW_TEST(other_bodies_are_not_measured),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
