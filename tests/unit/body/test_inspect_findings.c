/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of the inspection: refused, or passed with a warning. */
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
    /* An allowed finding does not hide one that is refused. */
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
    env.settings.upload.checks.format = expected->format;
    env.settings.upload.checks.unsafe_format = expected->unsafe;
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

static void finding_is_reported_once(void **state)
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

static void empty_body_is_refused_whatever_checks_allow(void **state)
{
    (void)state;
    static const struct script nothing_to_see = {.looks = {{0, 0}}};
    const char *detail;
    struct feeder feeder = feeder_of(image, 0);
    env.settings.upload.checks.damaged = CHECK_OFF;
    env.settings.upload.checks.format = CHECK_OFF;
    struct pump pump = {begin(&feeder, &nothing_to_see), &feeder, image, 0, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_EMPTY_BODY);
    assert_int_equal(format.examinations, 0);
    body_done(pump.body);
}

static void empty_body_passes_where_it_is_allowed(void **state)
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
    env.settings.upload.checks.damaged = level;
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

static void stripped_bytes_are_found_before_the_format(void **state)
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
        ENV_TEST(finding_is_reported_once),
        ENV_TEST(empty_body_is_refused_whatever_checks_allow),
        ENV_TEST(empty_body_passes_where_it_is_allowed),
        ENV_TEST(stripped_bytes_are_found_before_the_format),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
