/* SPDX-License-Identifier: Apache-2.0 */
/* The whole chain: limits, warnings, audit mode, and levels of checks that come late. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "body_attempts.h"
#include "pump.h"
#include "uploads.h"

/* --- limits and warnings --------------------------------------------------------------- */

/* A rule is chosen when the size is known: by then the opening has passed. */
static void try_late_limit(struct sent_upload *upload)
{
    const char *detail;
    const struct feeder whole = upload->feeder;
    struct pump pump = pump_of(upload, &whole, BODY_READ_MIN);
    assert_int_equal(pump_prepare(&pump), 1);
    body_limit(pump.body, &(struct body_limits){OPENING - 1, NONE, NONE});
    assert_int_equal(pump_read(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_TOO_LARGE);
    assert_int_equal(pump.given, 0);
    body_limit(pump.body, &(struct body_limits)UNLIMITED);
    assert_int_equal(body_prepare(pump.body), STREAM_REFUSED);
    body_done(pump.body);
}

static void a_limit_may_come_after_the_opening(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {MANY, {{0}}}}, try_late_limit);
}

/* A fixed disk of 64 KiB: with its footer the image is larger than that. */
static void try_disk_limit(struct sent_upload *upload)
{
    const char *detail;
    const struct feeder whole = upload->feeder;
    upload->limits.max_virtual_size = OPENING;
    try_good(upload, &whole, BODY_READ_MIN);
    upload->limits.max_virtual_size = OPENING - 1;
    struct pump pump = pump_of(upload, &whole, BODY_READ_MIN);
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_TOO_LARGE);
    assert_string_equal(detail, "the disk in it has 65536 bytes, and the limit for that is 65535");
    body_done(pump.body);
}

static void a_disk_is_as_large_as_its_format_says(void **state)
{
    (void)state;
    each_image(&(struct image){FIXED_VHD(OPENING + 512)}, try_disk_limit);
}

static void allowed_findings_are_listed_once(void **state)
{
    (void)state;
    char *bytes = image_make(&(struct image){"vhd", {MANY, {PIECE(0, QCOW2)}}});
    const struct body_note *rows;
    struct feeder feeder = feeder_of(bytes, MANY);
    struct body_plan plan = plan_of(&feeder);
    plan.disk_format = "vhd";
    plan.checks.format = CHECK_WARN;
    plan.checks.unsafe_format = CHECK_WARN;
    struct pump pump = {body_of(&plan), &feeder, bytes, MANY, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(body_warnings(pump.body, &rows), 2);
    assert_int_equal(rows[0].reason, REFUSAL_FORMAT_MISMATCH);
    assert_int_equal(rows[1].reason, REFUSAL_UNSAFE_FORMAT);
    assert_string_equal(rows[1].detail, "declared vhd, but it has a qcow2 header");
    body_done(pump.body);
    free(bytes);
}

/* --- only watched ---------------------------------------------------------------------- */

/* The findings of the upload; the last one is REFUSAL_NONE. An image in a form has none. */
static const enum refusal *told;

static void assert_told(const struct sent_upload *upload, const struct body *body)
{
    const struct body_note *rows;
    size_t count = body_audited(body, &rows), expected = 0;
    while (told[expected] && !body_wrapped(body))
        expected++;
    if (count != expected)
        fail_msg("%s, %zu bytes: %zu objections", upload->way->what, upload->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rows[i].reason, told[i]);
}

/* Every byte that the client has sent, in the framing that it came in. */
static void try_watched(struct sent_upload *upload)
{
    const struct feeder whole = upload->feeder;
    upload->plan.audit = true;
    for (unsigned seed = 0; seed < 6; seed++) {
        unsigned char expected[SHA512_DIGEST_LENGTH], sha512[DIGEST_MAX_BYTES];
        uint64_t length;
        size_t size;
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        struct pump pump = pump_of(upload, &feeder, seed % 3 ? BODY_READ_MIN : 2 * OPENING);
        pump.image = whole.bytes;
        pump.count = whole.count;
        assert_int_equal(pump_all(&pump), STREAM_END);
        assert_int_equal(pump.given, whole.count);
        assert_int_equal(body_length(pump.body, &length), upload->way->length);
        assert_int_equal(body_spooled(pump.body), 0);
        assert_false(body_unwrapped(pump.body));
        assert_int_equal(body_wrapped(pump.body), upload->way->before[0] != '\0');
        assert_told(upload, pump.body);
        SHA512((const unsigned char *)whole.bytes, whole.count, expected);
        assert_true(digests_get(body_digests(pump.body), "sha512", sha512, &size));
        assert_memory_equal(sha512, expected, sizeof expected);
        body_done(pump.body);
    }
}

static void audited_body_goes_on_unchanged(void **state)
{
    (void)state;
    static const struct {
        struct image image;
        enum refusal told[3];
    } rows[] = {
        {{"raw", {1, {{0}}}}, {REFUSAL_NONE}},
        {{"raw", {OPENING, {{0}}}}, {REFUSAL_NONE}},
        {{"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}}, {REFUSAL_NONE}},
        {{"vhdx", {VHDX_SIZE, {VHDX}}}, {REFUSAL_NONE}},
        {{FIXED_VHD(OPENING + 512)}, {REFUSAL_NONE}},
        {{"raw", {MANY, {PIECE(0, QCOW2)}}}, {REFUSAL_FORMAT_MISMATCH, REFUSAL_UNSAFE_FORMAT}},
        {{"vhd", {OPENING + 600, {{0}}}}, {REFUSAL_FORMAT_MISMATCH}},
        {{NULL, {MANY, {PIECE(0, QCOW2)}}}, {REFUSAL_NONE}}, /* nothing to hold it against */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        told = rows[i].told;
        each_image(&rows[i].image, try_watched);
    }
}

/* --- checks whose levels come later ----------------------------------------------------- */

/* A qcow2 with a data file elsewhere, declared raw: two checks have something to say. */
static void findings_follow_the_levels_of_their_checks(void **state)
{
    (void)state;
    static const struct {
        enum check_level format, unsafe;
        bool audit;
        enum refusal refusal;
        unsigned warnings, audited;
    } rows[] = {
        {CHECK_REJECT, CHECK_REJECT, false, REFUSAL_FORMAT_MISMATCH, 0, 0},
        {CHECK_OFF, CHECK_REJECT, false, REFUSAL_UNSAFE_FORMAT, 0, 0},
        {CHECK_WARN, CHECK_WARN, false, REFUSAL_NONE, 2, 0},
        {CHECK_WARN, CHECK_OFF, false, REFUSAL_NONE, 1, 0},
        {CHECK_OFF, CHECK_OFF, false, REFUSAL_NONE, 0, 0},
        {CHECK_REJECT, CHECK_WARN, true, REFUSAL_NONE, 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct image image = {"raw", {MANY, {PIECE(0, QCOW2)}}};
        const struct check_levels levels = {.format = rows[i].format,
                                            .unsafe_format = rows[i].unsafe};
        char *bytes = image_make(&image);
        struct feeder feeder = feeder_of(bytes, MANY);
        struct body_plan plan = plan_of(&feeder);
        const struct body_note *notes;
        const char *detail;
        plan.disk_format = "raw";
        plan.checks = (struct check_levels){.damaged = CHECK_OFF};
        plan.checks_wait = true;
        struct pump pump = {body_of(&plan), &feeder, bytes, MANY, BODY_READ_MIN, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(body_warnings(pump.body, &notes), 0);
        if (rows[i].audit)
            body_audit(pump.body);
        body_checks(pump.body, &levels);
        assert_int_equal(body_refusal(pump.body, &detail), rows[i].refusal);
        assert_int_equal(body_warnings(pump.body, &notes), rows[i].warnings);
        assert_int_equal(body_audited(pump.body, &notes), rows[i].audited);
        assert_int_equal(pump_read(&pump), rows[i].refusal ? STREAM_REFUSED : STREAM_END);
        body_done(pump.body);
        free(bytes);
    }
}

static void audited_empty_body_goes_on(void **state)
{
    (void)state;
    for (int length_known = 0; length_known < 2; length_known++) {
        const struct body_note *rows;
        struct feeder feeder = feeder_of("", 0);
        feeder.waits = true;
        struct body_plan plan = plan_of(&feeder);
        plan.audit = true;
        plan.length_known = length_known;
        struct pump pump = {body_of(&plan), &feeder, "", 0, 0, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(body_finished(pump.body), length_known);
        assert_int_equal(pump_read(&pump), STREAM_END);
        assert_int_equal(body_audited(pump.body, &rows), 1);
        assert_int_equal(rows[0].reason, REFUSAL_EMPTY_BODY);
        body_done(pump.body);
    }
}

/* Changes made by then stay, and an upload that could not be sent is still refused. */
static void audit_mode_may_be_known_late(void **state)
{
    (void)state;
    static const char form[] = HEAD "\0IMAGE" END;
    static const char cut[] = HEAD "\0IMAGE";
    const struct body_note *rows;
    struct feeder feeder = feeder_of(form, sizeof form - 1);
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = "multipart/form-data; boundary=B";
    struct pump pump = {body_of(&plan), &feeder, "\0IMAGE", 6, 0, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    body_audit(pump.body);
    body_limit(pump.body, &(struct body_limits){5, UINT64_MAX, UINT64_MAX});
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(body_audited(pump.body, &rows), 1);
    assert_int_equal(rows[0].reason, REFUSAL_TOO_LARGE);
    assert_true(body_unwrapped(pump.body));
    body_done(pump.body);
    feeder = feeder_of(cut, sizeof cut - 1);
    pump = (struct pump){body_of(&plan), &feeder, "\0IMAGE", 6, 0, 0};
    body_audit(pump.body);
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    body_done(pump.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(a_limit_may_come_after_the_opening),
        ENV_TEST(a_disk_is_as_large_as_its_format_says),
        ENV_TEST(allowed_findings_are_listed_once),
        ENV_TEST(audited_body_goes_on_unchanged),
        ENV_TEST(audited_empty_body_goes_on),
        ENV_TEST(findings_follow_the_levels_of_their_checks),
        ENV_TEST(audit_mode_may_be_known_late),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
