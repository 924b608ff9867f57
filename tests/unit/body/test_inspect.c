/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include "body/stripped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted_format.h"

static int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return yard_begin(state);
}

static struct body *begin(struct feeder *feeder, const struct script *script)
{
    const struct body_plan plan = plan_of(feeder);
    format.script = *script;
    format.count = feeder->count;
    format.examinations = format.judgements = 0;
    return body_alone(&filter_inspect, &plan);
}

/* --- the opening ----------------------------------------------------------------------- */

/* About the opening's end, and about that of its room. */
static const size_t COUNTS[] = {1,
                                4 * KIB,
                                FORMAT_OPENING - 1,
                                FORMAT_OPENING,
                                FORMAT_OPENING + 1,
                                FORMAT_OPENING + FILTER_ROOM_MIN - 1,
                                FORMAT_OPENING + FILTER_ROOM_MIN,
                                FORMAT_OPENING + FILTER_ROOM_MIN + 1,
                                LARGEST};

static const size_t PIECES[] = {1000,
                                FORMAT_OPENING - 1,
                                FORMAT_OPENING,
                                FORMAT_OPENING + 1,
                                FILTER_ROOM_MIN,
                                4 * FORMAT_OPENING};

enum { COUNT_COUNT = sizeof COUNTS / sizeof COUNTS[0] };
enum { PIECE_COUNT = sizeof PIECES / sizeof PIECES[0] };

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
    /* The length of what ends within the opening is known with it. */
    assert_true(body_length(pump.body, &length) || count >= FORMAT_OPENING);
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    assert_int_equal(format.examinations, 1);
    assert_int_equal(format.judgements, 1);
    body_done(pump.body);
}

static void the_opening_is_judged_once_and_before_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_COUNT; i++)
        for (size_t k = 0; k < PIECE_COUNT; k++) {
            try_opening(COUNTS[i], PIECES[k], BODY_READ_MIN);
            try_opening(COUNTS[i], PIECES[k], 2 * FORMAT_OPENING);
        }
}

static void nothing_comes_out_of_an_opening_that_is_lost(void **state)
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
    {.looks = {{300 * KIB, 64 * KIB}}},    /* it is behind the body's end */
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

static void a_look_has_the_bytes_that_it_asked_for(void **state)
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

static void byte_by_byte_too(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    feeder.split = (struct split){1, 1};
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        try_looks(&SCRIPTS[i], &feeder);
}

/* All around the edges of the looks of one script, and around the opening's. */
static void cut_at_their_edges(void **state)
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
static void the_last_bytes_may_begin_in_the_opening(void **state)
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

static void a_small_body_may_be_looked_at_too(void **state)
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

/* --- what is objected to --------------------------------------------------------------- */

struct violation {
    struct script script;
    enum check_level format, unsafe;
    enum refusal refusal; /* NONE: it passes */
    size_t given_max;     /* if not */
    const char *detail;   /* of the refusal, or of the first warning */
    unsigned warnings;
};

/* Two looks, and one at the end: examinations 2, 3 and 4. */
#define LOOKS                                                                                      \
    {                                                                                              \
        {100 * KIB, 8}, {150 * KIB, 8},                                                            \
        {                                                                                          \
            FORMAT_FROM_END, 512                                                                   \
        }                                                                                          \
    }

static const struct violation VIOLATIONS[] = {
    {{LOOKS, 1, 0, 0, 0},
     CHECK_REJECT,
     CHECK_REJECT,
     REFUSAL_FORMAT_MISMATCH,
     0,
     "seen in look 1",
     0},
    {{LOOKS, 2, 0, 0, 0},
     CHECK_REJECT,
     CHECK_REJECT,
     REFUSAL_FORMAT_MISMATCH,
     100 * KIB + 7,
     "seen in look 2",
     0},
    {{LOOKS, 3, 0, 0, 0},
     CHECK_REJECT,
     CHECK_OFF,
     REFUSAL_FORMAT_MISMATCH,
     150 * KIB + 7,
     "seen in look 3",
     0},
    {{LOOKS, 0, 4, 0, 0},
     CHECK_OFF,
     CHECK_REJECT,
     REFUSAL_UNSAFE_FORMAT,
     LARGEST,
     "seen in look 4",
     0},
    {{LOOKS, 1, 0, 0, 0}, CHECK_WARN, CHECK_REJECT, REFUSAL_NONE, 0, "seen in look 1", 1},
    {{LOOKS, 4, 0, 0, 0}, CHECK_WARN, CHECK_REJECT, REFUSAL_NONE, 0, "seen in look 4", 1},
    {{LOOKS, 0, 3, 0, 0}, CHECK_REJECT, CHECK_WARN, REFUSAL_NONE, 0, "seen in look 3", 1},
    {{LOOKS, 2, 3, 0, 0}, CHECK_WARN, CHECK_WARN, REFUSAL_NONE, 0, "seen in look 2", 2},
    {{LOOKS, 1, 1, 0, 0}, CHECK_WARN, CHECK_WARN, REFUSAL_NONE, 0, "seen in look 1", 2},
    /* What is let pass does not hide what is not. */
    {{LOOKS, 1, 1, 0, 0},
     CHECK_REJECT,
     CHECK_WARN,
     REFUSAL_FORMAT_MISMATCH,
     0,
     "seen in look 1",
     1},
    {{LOOKS, 1, 2, 0, 0},
     CHECK_WARN,
     CHECK_REJECT,
     REFUSAL_UNSAFE_FORMAT,
     100 * KIB + 7,
     "seen in look 2",
     1},
    {{LOOKS, 1, 1, 0, 0}, CHECK_OFF, CHECK_OFF, REFUSAL_NONE, 0, NULL, 0},
    {{LOOKS, 1, 1, 0, 0}, CHECK_OFF, CHECK_WARN, REFUSAL_NONE, 0, "seen in look 1", 1},
    /* The disk in it has a limit of 5000 bytes. */
    {{LOOKS, 0, 0, 1, 5001}, CHECK_REJECT, CHECK_REJECT, REFUSAL_TOO_LARGE, 0, NULL, 0},
    {{LOOKS, 0, 0, 2, 5001}, CHECK_REJECT, CHECK_REJECT, REFUSAL_TOO_LARGE, 100 * KIB + 7, NULL, 0},
    {{LOOKS, 0, 0, 4, 5001}, CHECK_REJECT, CHECK_REJECT, REFUSAL_TOO_LARGE, LARGEST, NULL, 0},
    {{LOOKS, 0, 0, 4, 5000}, CHECK_REJECT, CHECK_REJECT, REFUSAL_NONE, 0, NULL, 0},
    /* Without a virtual size to the end the image is the disk. */
    {{LOOKS, 0, 0, 5, 0}, CHECK_REJECT, CHECK_REJECT, REFUSAL_TOO_LARGE, LARGEST, NULL, 0},
};

enum { VIOLATION_COUNT = sizeof VIOLATIONS / sizeof VIOLATIONS[0] };

static void assert_reported(struct body *body, const struct violation *expected)
{
    const char *detail;
    const struct body_note *rows;
    if (body_refusal(body, &detail) != expected->refusal)
        fail_msg("objection %td: %s", expected - VIOLATIONS, detail);
    assert_int_equal(body_warnings(body, &rows), expected->warnings);
    if (expected->detail)
        assert_string_equal(expected->warnings && !expected->refusal ? rows[0].detail : detail,
                            expected->detail);
}

static void try_violation(const struct violation *expected, const struct feeder *from)
{
    struct feeder feeder = *from;
    yard.settings.upload.checks.format = expected->format;
    yard.settings.upload.checks.unsafe_format = expected->unsafe;
    struct pump pump = {begin(&feeder, &expected->script), &feeder, image, LARGEST, 0, 0};
    pump.body->length_known = true;
    pump.body->length = LARGEST;
    body_limit(pump.body, &(struct body_limits){UINT64_MAX, UINT64_MAX, 5000});
    if (expected->script.virtual_size_at == 0)
        body_limit(pump.body, &(struct body_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX});
    int end = pump_all(&pump);
    assert_int_equal(end, expected->refusal ? STREAM_REFUSED : STREAM_END);
    assert_true(pump.given <= (expected->refusal ? expected->given_max : LARGEST));
    assert_reported(pump.body, expected);
    body_done(pump.body);
}

static void what_is_seen_is_objected_to_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < VIOLATION_COUNT; i++)
        for (unsigned k = 0; k < PIECE_COUNT; k++) {
            struct feeder feeder = feeder_of(image, LARGEST);
            feeder.split = (struct split){PIECES[k], PIECES[k]};
            try_violation(&VIOLATIONS[i], &feeder);
            feeder.random = 1 + k;
            try_violation(&VIOLATIONS[i], &feeder);
        }
}

/* --- damage ---------------------------------------------------------------------------- */

static void an_empty_body_is_refused_whatever_is_let_pass(void **state)
{
    (void)state;
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    const char *detail;
    struct feeder feeder = feeder_of(image, 0);
    yard.settings.upload.checks.damaged = CHECK_OFF;
    yard.settings.upload.checks.format = CHECK_OFF;
    struct pump pump = {begin(&feeder, &nothing_to_see), &feeder, image, 0, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_EMPTY_BODY);
    assert_int_equal(format.examinations, 0);
    body_done(pump.body);
}

static void an_empty_body_passes_where_it_may(void **state)
{
    (void)state;
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    uint64_t length = 1;
    struct feeder feeder = feeder_of(image, 0);
    struct body_plan plan = plan_of(&feeder);
    plan.may_be_empty = true;
    plan.length_known = false;
    format.script = nothing_to_see;
    format.examinations = 0;
    struct pump pump = {body_alone(&filter_inspect, &plan), &feeder, image, 0, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_true(body_length(pump.body, &length));
    assert_int_equal(length, 0);
    assert_int_equal(format.examinations, 0);
    body_done(pump.body);
}

static void try_damage(enum check_level level, size_t count, enum refusal refusal,
                       unsigned warnings)
{
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    static const struct script mismatch = {.looks = {{0, 0}}, .mismatch_at = AT_OPENING};
    const char *detail;
    const struct body_note *rows;
    struct feeder feeder = feeder_of(image, count);
    yard.settings.upload.checks.damaged = level;
    bool spoilt = refusal == REFUSAL_FORMAT_MISMATCH;
    struct pump pump = {
        begin(&feeder, spoilt ? &mismatch : &nothing_to_see), &feeder, image, count, 0, 0};
    assert_int_equal(pump_all(&pump), refusal ? STREAM_REFUSED : STREAM_END);
    assert_int_equal(body_refusal(pump.body, &detail), refusal);
    assert_int_equal(body_warnings(pump.body, &rows), warnings);
    if (warnings)
        assert_int_equal(rows[0].reason, REFUSAL_DAMAGED_BODY);
    body_done(pump.body);
}

static void stripped_bytes_are_found_before_the_format_is_asked(void **state)
{
    (void)state;
    char kept[STRIPPED_MIN];
    memcpy(kept, image, sizeof kept);
    memset(image, 'a', sizeof kept);
    try_damage(CHECK_REJECT, STRIPPED_MIN, REFUSAL_DAMAGED_BODY, 0);
    assert_int_equal(format.examinations, 0);
    try_damage(CHECK_REJECT, STRIPPED_MIN - 1, REFUSAL_NONE, 0);
    try_damage(CHECK_REJECT, LARGEST, REFUSAL_NONE, 0);
    try_damage(CHECK_WARN, STRIPPED_MIN, REFUSAL_NONE, 1);
    try_damage(CHECK_WARN, STRIPPED_MIN, REFUSAL_FORMAT_MISMATCH, 1);
    try_damage(CHECK_OFF, STRIPPED_MIN, REFUSAL_NONE, 0);
    memcpy(image, kept, sizeof kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        YARD_TEST(the_opening_is_judged_once_and_before_all),
        YARD_TEST(nothing_comes_out_of_an_opening_that_is_lost),
        YARD_TEST(a_look_has_the_bytes_that_it_asked_for),
        YARD_TEST(byte_by_byte_too),
        YARD_TEST(cut_at_their_edges),
        YARD_TEST(the_last_bytes_may_begin_in_the_opening),
        YARD_TEST(a_small_body_may_be_looked_at_too),
        YARD_TEST(what_is_seen_is_objected_to_once),
        YARD_TEST(an_empty_body_is_refused_whatever_is_let_pass),
        YARD_TEST(an_empty_body_passes_where_it_may),
        YARD_TEST(stripped_bytes_are_found_before_the_format_is_asked),
    };
    return cmocka_run_group_tests(tests, fill_image, yard_end);
}
