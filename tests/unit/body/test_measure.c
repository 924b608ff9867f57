/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "pump.h"

#define NONE UINT64_MAX

static const char BYTES[] = "0123456789abcdefghijklmnopqrstuvwxyz";

enum { COUNT = sizeof BYTES - 1 };

/* `count` bytes of no known length, or of a known one. */
struct vector {
    size_t count;
    uint64_t length;  /* NONE: not known */
    uint64_t promise; /* NONE: there is none */
    struct body_limits limits;
    enum refusal refusal;
    size_t given_max;
    const char *detail;
};

static const struct vector VECTORS[] = {
    {0, NONE, NONE, {NONE, NONE, NONE}, REFUSAL_NONE, 0, ""},
    {0, NONE, NONE, {0, 0, 0}, REFUSAL_NONE, 0, ""},
    {COUNT, NONE, NONE, {NONE, NONE, NONE}, REFUSAL_NONE, COUNT, ""},

    {1, NONE, NONE, {0, NONE, NONE}, REFUSAL_TOO_LARGE, 0, "the limit is 0 bytes"},
    {20, NONE, NONE, {20, NONE, NONE}, REFUSAL_NONE, 20, ""},
    {20, NONE, NONE, {19, NONE, NONE}, REFUSAL_TOO_LARGE, 19, "the limit is 19 bytes"},
    {20, 20, NONE, {20, NONE, NONE}, REFUSAL_NONE, 20, ""},
    {20, 20, NONE, {19, NONE, NONE}, REFUSAL_TOO_LARGE, 0, "it has 20 bytes, and the limit is 19"},
    /* The bytes received count, whatever was declared. */
    {20, 10, NONE, {19, NONE, NONE}, REFUSAL_TOO_LARGE, 19, "it has 20 bytes, and the limit is 19"},

    {20, NONE, NONE, {NONE, 20, NONE}, REFUSAL_NONE, 20, ""},
    {20,
     NONE,
     NONE,
     {NONE, 19, NONE},
     REFUSAL_LENGTH_REQUIRED,
     19,
     "another rule is for more than 19 bytes"},
    {20, NONE, NONE, {10, 5, NONE}, REFUSAL_LENGTH_REQUIRED, 5, NULL},
    {20, NONE, NONE, {5, 10, NONE}, REFUSAL_TOO_LARGE, 5, NULL},

    {20, NONE, 20, {NONE, NONE, NONE}, REFUSAL_NONE, 20, ""},
    {20,
     NONE,
     21,
     {NONE, NONE, NONE},
     REFUSAL_SIZE_MISMATCH,
     20,
     "x-openstack-image-size is 21, and fewer bytes came"},
    {20,
     NONE,
     19,
     {NONE, NONE, NONE},
     REFUSAL_SIZE_MISMATCH,
     19,
     "x-openstack-image-size is 19, and more bytes came"},
    {0,
     NONE,
     1,
     {NONE, NONE, NONE},
     REFUSAL_SIZE_MISMATCH,
     0,
     "x-openstack-image-size is 1, and fewer bytes came"},
    {20, 20, 19, {NONE, NONE, NONE}, REFUSAL_SIZE_MISMATCH, 19, NULL},
    {20, NONE, 30, {29, NONE, NONE}, REFUSAL_TOO_LARGE, 0, "it has 30 bytes, and the limit is 29"},
};

/* What a policy in audit mode refuses. */
static struct {
    bool audit, size_chose;
} policy;

static struct body *begin(const struct vector *vector, struct feeder *feeder)
{
    struct body_plan plan = plan_of(feeder);
    plan.audit = policy.audit;
    plan.size_chose = policy.size_chose;
    plan.length_known = vector->length != NONE;
    plan.length = vector->length;
    plan.promised = vector->promise != NONE;
    plan.promise = vector->promise;
    return body_alone(&filter_measure, &plan);
}

static void assert_refused(struct body *body, enum refusal refusal, const char *expected)
{
    const char *detail;
    assert_int_equal(body_refusal(body, &detail), refusal);
    if (expected)
        assert_string_equal(detail, expected);
}

static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    struct feeder feeder = feeder_of(BYTES, vector->count);
    feeder.split = split;
    feeder.waits = true;
    struct pump pump = {begin(vector, &feeder), &feeder, BYTES, vector->count, 0, 0};
    body_limit(pump.body, &vector->limits);
    assert_int_equal(pump_all(&pump), vector->refusal ? STREAM_REFUSED : STREAM_END);
    assert_refused(pump.body, vector->refusal, vector->detail);
    assert_true(pump.given <= vector->given_max);
    if (!vector->refusal)
        assert_int_equal(pump.given, vector->count);
    body_done(pump.body);
}

static void size_is_measured_however_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        splits_each(VECTORS[i].count, attempt, &VECTORS[i]);
}

/* --- only watched ---------------------------------------------------------------------- */

static void assert_noted(struct body *body, const struct vector *vector)
{
    const struct body_note *rows;
    size_t count = body_audited(body, &rows);
    assert_int_equal(count, vector->refusal ? 1 : 0);
    if (count)
        assert_int_equal(rows[0].reason, vector->refusal);
    if (count && vector->detail)
        assert_string_equal(rows[0].detail, vector->detail);
}

static void attempt_watched(struct split split, const void *context)
{
    const struct vector *vector = context;
    struct feeder feeder = feeder_of(BYTES, vector->count);
    feeder.split = split;
    struct pump pump = {begin(vector, &feeder), &feeder, BYTES, vector->count, 0, 0};
    body_limit(pump.body, &vector->limits);
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, vector->count);
    assert_noted(pump.body, vector);
    body_done(pump.body);
}

/* There a declared size is not the length. */
static void audited_size_passes_with_a_note(void **state)
{
    (void)state;
    policy.audit = true;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        struct vector vector = VECTORS[i];
        bool by_promise = vector.promise != NONE && vector.refusal == REFUSAL_TOO_LARGE;
        vector.refusal = by_promise ? REFUSAL_SIZE_MISMATCH : vector.refusal;
        vector.detail = by_promise ? NULL : vector.detail;
        splits_each(vector.count, attempt_watched, &vector);
    }
    policy.audit = false;
}

static void size_must_fit_the_rule_chosen(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint64_t promise;
        struct body_limits limits;
        enum refusal refusal, noted;
    } rows[] = {
        {20, NONE, {NONE, 20, NONE}, REFUSAL_NONE, REFUSAL_NONE},
        {20, NONE, {NONE, 19, NONE}, REFUSAL_LENGTH_REQUIRED, REFUSAL_NONE},
        {20, NONE, {19, 20, NONE}, REFUSAL_NONE, REFUSAL_TOO_LARGE},
        {20, NONE, {10, 19, NONE}, REFUSAL_LENGTH_REQUIRED, REFUSAL_TOO_LARGE},
        {20, 20, {19, NONE, NONE}, REFUSAL_NONE, REFUSAL_TOO_LARGE},
        {20, 19, {NONE, NONE, NONE}, REFUSAL_SIZE_MISMATCH, REFUSAL_NONE},
        {20, 21, {NONE, NONE, NONE}, REFUSAL_SIZE_MISMATCH, REFUSAL_NONE},
    };
    policy.audit = policy.size_chose = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct vector vector = {.count = 20, .length = NONE, .promise = rows[i].promise};
        const struct body_note *notes;
        const char *detail;
        struct feeder feeder = feeder_of(BYTES, rows[i].count);
        feeder.split = (struct split){1, 1};
        struct pump pump = {begin(&vector, &feeder), &feeder, BYTES, rows[i].count, 0, 0};
        body_limit(pump.body, &rows[i].limits);
        assert_int_equal(pump_all(&pump), rows[i].refusal ? STREAM_REFUSED : STREAM_END);
        assert_int_equal(body_refusal(pump.body, &detail), rows[i].refusal);
        assert_int_equal(body_audited(pump.body, &notes), rows[i].noted ? 1 : 0);
        if (rows[i].noted)
            assert_int_equal(notes[0].reason, rows[i].noted);
        body_done(pump.body);
    }
    policy.audit = policy.size_chose = false;
}

/* --- limits that come later ------------------------------------------------------------ */

static void assert_limited(struct body *body, struct body_limits limits, enum refusal refusal,
                           const char *detail)
{
    body_limit(body, &limits);
    assert_refused(body, refusal, detail);
    body_done(body);
}

/* A body of which `count` bytes have passed. */
static struct body *spliced(struct feeder *feeder, size_t count)
{
    static const struct vector nothing_said = {.length = NONE, .promise = NONE};
    char into[BODY_READ_MIN];
    *feeder = feeder_of(BYTES, COUNT);
    feeder->split = (struct split){count, 1};
    struct body *body = begin(&nothing_said, feeder);
    assert_int_equal(body_read(body, into, sizeof into), count);
    return body;
}

static void new_limit_covers_bytes_already_passed(void **state)
{
    (void)state;
    struct feeder feeder;
    assert_limited(spliced(&feeder, 10), (struct body_limits){10, 10, 10}, REFUSAL_NONE, "");
    assert_limited(spliced(&feeder, 10), (struct body_limits){9, NONE, NONE}, REFUSAL_TOO_LARGE,
                   "the limit is 9 bytes");
    assert_limited(spliced(&feeder, 10), (struct body_limits){NONE, 9, NONE},
                   REFUSAL_LENGTH_REQUIRED, "another rule is for more than 9 bytes");
}

static void limit_may_change_during_the_body(void **state)
{
    (void)state;
    char into[BODY_READ_MIN];
    struct feeder feeder;
    struct body *body = spliced(&feeder, 10);
    body_limit(body, &(struct body_limits){10, NONE, NONE});
    body_limit(body, &(struct body_limits){11, NONE, NONE});
    assert_int_equal(body_read(body, into, sizeof into), 1);
    assert_int_equal(body_read(body, into, sizeof into), STREAM_REFUSED);
    body_limit(body, &(struct body_limits){NONE, NONE, NONE}); /* it stays refused */
    assert_int_equal(body_read(body, into, sizeof into), STREAM_REFUSED);
    assert_refused(body, REFUSAL_TOO_LARGE, "the limit is 11 bytes");
    body_done(body);
}

static void disk_size_has_its_own_limit(void **state)
{
    (void)state;
    static const struct {
        bool virtual_size_known;
        uint64_t virtual_size;
        bool no_disk;
        uint64_t max;
        const char *detail; /* NULL: good */
    } rows[] = {
        {true, 50, false, 50, NULL},
        {true, 50, false, 49, "the disk in it has 50 bytes, and the limit for that is 49"},
        {true, 5, false, 5, NULL}, /* smaller than its form */
        {false, 0, true, 10, NULL},
        {false, 0, true, 9, "the limit is 9 bytes"},
        {false, 0, false, 9, NULL}, /* a format may find a disk yet */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct feeder feeder;
        struct body *body = spliced(&feeder, 10);
        body->virtual_size_known = rows[i].virtual_size_known;
        body->virtual_size = rows[i].virtual_size;
        body->no_disk = rows[i].no_disk;
        assert_limited(body, (struct body_limits){NONE, NONE, rows[i].max},
                       rows[i].detail ? REFUSAL_TOO_LARGE : REFUSAL_NONE, rows[i].detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(size_is_measured_however_split),   ENV_TEST(audited_size_passes_with_a_note),
        ENV_TEST(size_must_fit_the_rule_chosen),    ENV_TEST(new_limit_covers_bytes_already_passed),
        ENV_TEST(limit_may_change_during_the_body), ENV_TEST(disk_size_has_its_own_limit),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
