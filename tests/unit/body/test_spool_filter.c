/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "pump.h"

enum { LARGEST = 3 * SPOOL_BLOCK };

static char image[LARGEST];

static int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return env_begin(state);
}

static struct pump begin(const struct body_plan *plan, size_t count)
{
    return (struct pump){body_alone(&filter_spool, plan), plan->context, image, count, 0, 0};
}

static void assert_length(struct body *body, uint64_t expected)
{
    uint64_t length;
    assert_true(body_length(body, &length));
    assert_int_equal(length, expected);
}

/* Everything is read before anything is given out, and then the length is known. */
static void try_size(size_t count, struct split split, size_t room)
{
    struct feeder feeder = feeder_of(image, count);
    feeder.split = split;
    feeder.waits = true;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = begin(&plan, count);
    pump.room = room;
    assert_int_equal(pump_prepare(&pump), 1);
    assert_true(feeder.over);
    assert_length(pump.body, count);
    assert_int_equal(body_spooled(pump.body), count);
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    body_done(pump.body);
}

static void body_of_unknown_length_is_spooled_and_then_measured(void **state)
{
    (void)state;
    static const size_t counts[] = {0,
                                    1,
                                    BODY_READ_MIN,
                                    SPOOL_BLOCK - SPOOL_ROOM_MIN,
                                    SPOOL_BLOCK - SPOOL_ROOM_MIN + 1,
                                    SPOOL_BLOCK - 1,
                                    SPOOL_BLOCK,
                                    SPOOL_BLOCK + 1,
                                    2 * SPOOL_BLOCK,
                                    LARGEST};
    static const size_t pieces[] = {997, BODY_READ_MIN, SPOOL_BLOCK, LARGEST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            try_size(counts[i], (struct split){pieces[k], pieces[k]}, BODY_READ_MIN);
            try_size(counts[i], (struct split){1, pieces[k]}, 100 * 1000);
        }
}

static void attempt(struct split split, const void *context)
{
    (void)context;
    try_size(100, split, BODY_READ_MIN);
}

static void body_is_spooled_however_split(void **state)
{
    (void)state;
    splits_each(100, attempt, NULL);
}

/* With a length, or where none is needed, the bytes pass by. */
static void only_unknown_length_is_spooled(void **state)
{
    (void)state;
    static const struct {
        bool length_known, promised, spools;
    } rows[] = {
        {true, false, true},
        {false, true, true},
        {false, false, false},
        {true, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct feeder feeder = feeder_of(image, LARGEST);
        struct body_plan plan = plan_of(&feeder);
        plan.spools_unknown_length = rows[i].spools;
        plan.length_known = rows[i].length_known;
        plan.promised = rows[i].promised;
        plan.length = plan.promise = LARGEST;
        struct pump pump = begin(&plan, LARGEST);
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(feeder.at, 0);
        assert_int_equal(pump_read(&pump), STREAM_END);
        assert_int_equal(pump.given, LARGEST);
        assert_int_equal(body_spooled(pump.body), 0);
        body_done(pump.body);
    }
}

static void interrupted_body_leaves_nothing_on_the_disk(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, SPOOL_BLOCK, LARGEST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct feeder feeder = feeder_of(image, counts[i]);
        feeder.breaks = true;
        const struct body_plan plan = plan_of(&feeder);
        struct pump pump = begin(&plan, 0);
        assert_int_equal(pump_prepare(&pump), STREAM_LOST);
        body_done(pump.body);
    }
}

static void body_can_be_freed_while_the_disk_is_busy(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = begin(&plan, LARGEST);
    assert_int_equal(body_prepare(pump.body), STREAM_WAIT);
    assert_false(feeder.told_wait);
    body_done(pump.body);
}

static void assert_no_room(uint64_t limit, char *directory, const char *expected)
{
    const char *detail;
    struct feeder feeder = feeder_of(image, LARGEST);
    const struct body_plan plan = plan_of(&feeder);
    env.settings.upload.spool_limit = limit;
    env.settings.upload.spool_dir = directory;
    struct pump pump = begin(&plan, 0);
    assert_int_equal(pump_prepare(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_SPOOL_FULL);
    assert_string_equal(detail, expected);
    body_done(pump.body);
}

static void full_and_broken_spool_are_reported(void **state)
{
    (void)state;
    char nowhere[] = "/proc/nowhere/spool";
    assert_no_room(0, env.settings.upload.spool_dir, "");
    assert_no_room(SPOOL_BLOCK, env.settings.upload.spool_dir, "");
    assert_no_room(LARGEST, nowhere, "its disk has failed");
}

/* It goes on without a length, as it came. */
static void audited_body_is_not_spooled(void **state)
{
    (void)state;
    uint64_t length;
    struct feeder feeder = feeder_of(image, LARGEST);
    struct body_plan plan = plan_of(&feeder);
    plan.audit = true;
    struct pump pump = begin(&plan, LARGEST);
    assert_int_equal(pump_prepare(&pump), 1);
    assert_int_equal(feeder.at, 0);
    assert_false(body_length(pump.body, &length));
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(body_spooled(pump.body), 0);
    body_done(pump.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(body_of_unknown_length_is_spooled_and_then_measured),
        ENV_TEST(body_is_spooled_however_split),
        ENV_TEST(only_unknown_length_is_spooled),
        ENV_TEST(interrupted_body_leaves_nothing_on_the_disk),
        ENV_TEST(body_can_be_freed_while_the_disk_is_busy),
        ENV_TEST(full_and_broken_spool_are_reported),
        ENV_TEST(audited_body_is_not_spooled),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
