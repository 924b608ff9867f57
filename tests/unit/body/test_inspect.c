/* SPDX-License-Identifier: Apache-2.0 */
#include "body/stripped.h"
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_attempts.h"
#include "pump.h"
#include "scripted_format.h"

/* --- the opening ----------------------------------------------------------------------- */

static void try_opening(size_t count, size_t piece, size_t room)
{
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    uint64_t length;
    struct feeder feeder = feeder_of(image, count);
    feeder.split = (struct split){piece, piece};
    feeder.waits = true;
    struct pump pump = {begin(&feeder, &nothing_to_see), &feeder, image, count, room, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    assert_true(feeder.at >= MIN(count, FORMAT_OPENING));
    assert_int_equal(format.examinations, 1);
    /* The length of a body that ends within the opening is known with it. */
    assert_true(body_length(pump.body, &length) || count >= FORMAT_OPENING);
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    assert_int_equal(format.examinations, 1);
    assert_int_equal(format.judgements, 1);
    body_done(pump.body);
}

static void opening_is_judged_once_and_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_COUNT; i++)
        for (size_t k = 0; k < PIECE_COUNT; k++) {
            try_opening(COUNTS[i], PIECES[k], BODY_READ_MIN);
            try_opening(COUNTS[i], PIECES[k], 2 * FORMAT_OPENING);
        }
}

static void lost_opening_emits_nothing(void **state)
{
    (void)state;
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    static const size_t counts[] = {0, 1, FORMAT_OPENING - 1};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct feeder feeder = feeder_of(image, counts[i]);
        feeder.breaks = true;
        struct pump pump = {begin(&feeder, &nothing_to_see), &feeder, image, 0, 0, 0};
        assert_int_equal(pump_all(&pump), STREAM_LOST);
        assert_int_equal(format.examinations, 0);
        body_done(pump.body);
    }
}

/* --- looks ----------------------------------------------------------------------------- */

static const struct script SCRIPTS[] = {
    {.looks = {{64 * KIB, 1}}},
    {.looks = {{64 * KIB, 64 * KIB}}},
    {.looks = {{64 * KIB + 1, 100}, {64 * KIB + 101, 100}, {64 * KIB + 201, 64 * KIB}}},
    {.looks = {{70 * KIB, 64 * KIB}, {150 * KIB, 8}, {150 * KIB + 8, 8}}},
    {.looks = {{76 * KIB - 5, 10}, {76 * KIB + 5, 1}, {199 * KIB, 1 * KIB}}},
    {.looks = {{FORMAT_FROM_END, 512}}},
    {.looks = {{FORMAT_FROM_END, 64 * KIB}}},
    {.looks = {{199 * KIB + 1, 1 * KIB}}}, /* the body ends in it */
    {.looks = {{300 * KIB, 64 * KIB}}},    /* it is beyond the body's end */
    {.looks = {{300 * KIB, 1}, {400 * KIB, 1}, {500 * KIB, 1}}},
    {.looks = {{(UINT64_C(1) << 62) + 3, 1}}},
};

enum { SCRIPT_COUNT = sizeof SCRIPTS / sizeof SCRIPTS[0] };

static unsigned look_count(const struct script *script)
{
    unsigned count = 0;
    while (script->looks[count].length)
        count++;
    return count;
}

static void try_looks(const struct script *script, const struct feeder *from)
{
    struct feeder feeder = *from;
    struct pump pump = {begin(&feeder, script), &feeder, image, feeder.count, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, feeder.count);
    assert_int_equal(format.examinations, 1 + look_count(script));
    assert_int_equal(format.judgements, format.examinations);
    body_done(pump.body);
}

static void requested_range_has_the_bytes_it_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        for (unsigned k = 0; k < PIECE_COUNT; k++) {
            struct feeder feeder = feeder_of(image, LARGEST);
            feeder.split = (struct split){PIECES[k], PIECES[k]};
            feeder.waits = true;
            try_looks(&SCRIPTS[i], &feeder);
            feeder.random = 1 + k;
            try_looks(&SCRIPTS[i], &feeder);
        }
}

static void ranges_are_read_from_single_bytes(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){1, 1};
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        try_looks(&SCRIPTS[i], &feeder);
}

/* All around the edges of the looks of one script, and around the opening's. */
static void ranges_are_read_split_at_their_edges(void **state)
{
    (void)state;
    static const struct script script = {
        .looks = {{66 * KIB, 32}, {66 * KIB + 40, 32}, {80 * KIB, 32}}};
    static const size_t edges[] = {64 * KIB, 66 * KIB, 66 * KIB + 40, 76 * KIB, 80 * KIB};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        for (size_t first = edges[i] - 40; first < edges[i] + 80; first++) {
            struct feeder feeder = feeder_of(image, 90 * KIB);
            feeder.split = (struct split){first, LARGEST};
            try_looks(&script, &feeder);
        }
}

/* The last bytes of a body that is hardly larger than its opening begin within that. */
static void last_bytes_may_begin_in_the_opening(void **state)
{
    (void)state;
    static const struct script script = {.looks = {{FORMAT_FROM_END, 512}}};
    for (size_t more = 0; more <= 520; more++)
        for (unsigned random = 0; random < 3; random++) {
            struct feeder feeder = feeder_of(image, FORMAT_OPENING + more);
            feeder.random = random;
            try_looks(&script, &feeder);
        }
}

static void small_body_is_examined_too(void **state)
{
    (void)state;
    static const struct script scripts[] = {
        {.looks = {{FORMAT_OPENING, 1}, {FORMAT_OPENING + 1, FORMAT_LOOK_MAX}}},
        {.looks = {{FORMAT_FROM_END, 512}}},
    };
    static const size_t counts[] = {1, 511, 512, 513, FORMAT_OPENING - 1, FORMAT_OPENING};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            struct feeder feeder = feeder_of(image, counts[k]);
            try_looks(&scripts[i], &feeder);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(opening_is_judged_once_and_first),
        ENV_TEST(lost_opening_emits_nothing),
        ENV_TEST(requested_range_has_the_bytes_it_asked_for),
        ENV_TEST(ranges_are_read_from_single_bytes),
        ENV_TEST(ranges_are_read_split_at_their_edges),
        ENV_TEST(last_bytes_may_begin_in_the_opening),
        ENV_TEST(small_body_is_examined_too),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
