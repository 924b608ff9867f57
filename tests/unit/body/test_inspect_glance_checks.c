/* SPDX-License-Identifier: Apache-2.0 */
/* Images that Glance would refuse after storing them, in each way of sending. */
#include "intake/body.h"

#include "intake/format.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "uploads.h"

#define BIT GLANCE_OBJECTION_BIT

static const struct image FIXED = {FIXED_VHD(200 * KIB)};
static const struct image HYPER_V = {"vhd", {VHDX_SIZE, {VHDX}}};
static const struct image GOOD = {"raw", {200 * KIB, {PIECE(0, "\0")}}};
static const struct image BOOT = {"raw", {200 * KIB, {PIECE(510, "\x55\xAA"), PIECE(446, "\1")}}};

static unsigned refuses;
static enum check_level format_level;
static bool watched, waits;

static struct body *prepared(struct sent_upload *upload, int expected)
{
    upload->plan.glance_refuses = refuses;
    upload->plan.checks.format = upload->plan.checks.unsafe_format = format_level;
    upload->plan.checks_wait = waits;
    upload->plan.audit = watched;
    struct body *body = body_new(&upload->plan);
    assert_non_null(body);
    int ready;
    while ((ready = body_prepare(body)) == STREAM_WAIT)
        thread_pool_settle(env.thread_pool, env.loop);
    if (ready != expected)
        fail_msg("%s: %d", upload->way->what, ready);
    return body;
}

static void try_refused(struct sent_upload *upload)
{
    const char *detail;
    struct body *body = prepared(upload, STREAM_REFUSED);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_FORMAT_MISMATCH);
    assert_non_null(strstr(detail, "Glance"));
    assert_true(body_refused_for_glance(body));
    assert_int_equal(body_count(body), 0);
    body_free(body);
}

/* Before a byte is given out; whatever the levels of the checks are. */
static void image_glance_would_refuse_is_refused(void **state)
{
    (void)state;
    static const enum check_level levels[] = {CHECK_REJECT, CHECK_WARN, CHECK_OFF};
    refuses = BIT(GLANCE_MISMATCH);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        format_level = levels[i];
        each_image(&FIXED, try_refused);
        each_image(&HYPER_V, try_refused);
    }
}

static void try_passed(struct sent_upload *upload)
{
    const char *detail;
    struct body *body = prepared(upload, 1);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_NONE);
    assert_false(body_refused_for_glance(body));
    body_free(body);
}

/* An image that passes is recorded for the check after the upload. */
static void try_known(struct sent_upload *upload)
{
    const char *why;
    struct body *body = prepared(upload, 1);
    assert_int_equal(body_glance_objection(body, &why), GLANCE_MISMATCH);
    assert_non_null(strstr(why, "Glance"));
    body_free(body);
}

static void image_glance_is_not_known_to_refuse_passes(void **state)
{
    (void)state;
    format_level = CHECK_REJECT;
    refuses = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR);
    each_image(&FIXED, try_passed);
    each_image(&FIXED, try_known);
    refuses = BIT(GLANCE_MISMATCH) | BIT(GLANCE_UNSAFE);
    each_image(&BOOT, try_passed);
    refuses = GLANCE_OBJECTIONS_ALL;
    each_image(&GOOD, try_passed);
}

static void try_unsafe(struct sent_upload *upload)
{
    const char *detail;
    struct body *body = prepared(upload, STREAM_REFUSED);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_UNSAFE_FORMAT);
    assert_true(body_refused_for_glance(body));
    body_free(body);
}

static void safety_check_has_its_own_reason(void **state)
{
    (void)state;
    format_level = CHECK_OFF;
    refuses = BIT(GLANCE_BOOT_SECTOR);
    each_image(&BOOT, try_unsafe);
}

static void try_watched(struct sent_upload *upload)
{
    const struct body_note *rows;
    if (*upload->way->before) /* the form passes unopened */
        return;
    struct body *body = prepared(upload, 1);
    assert_int_equal(body_audited(body, &rows), 1);
    assert_int_equal(rows[0].reason, REFUSAL_FORMAT_MISMATCH);
    assert_non_null(strstr(rows[0].detail, "Glance"));
    body_free(body);
}

static void audited_refusal_is_noted(void **state)
{
    (void)state;
    format_level = CHECK_REJECT;
    refuses = GLANCE_OBJECTIONS_ALL;
    watched = true;
    each_image(&FIXED, try_watched);
    watched = false;
}

static struct check_levels decided(enum check_level format)
{
    struct check_levels levels = env.settings.upload.checks;
    levels.format = format;
    return levels;
}

static void try_waiting(struct sent_upload *upload)
{
    const struct check_levels off = decided(CHECK_OFF);
    const char *detail;
    struct body *body = prepared(upload, 1);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_NONE);
    body_checks(body, &off);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_FORMAT_MISMATCH);
    assert_true(body_refused_for_glance(body));
    body_free(body);
}

static void try_waiting_for_a_rule_that_watches(struct sent_upload *upload)
{
    const struct check_levels off = decided(CHECK_OFF);
    const struct body_note *rows;
    const char *detail;
    struct body *body = prepared(upload, 1);
    body_audit(body);
    body_checks(body, &off);
    assert_int_equal(body_refusal(body, &detail), REFUSAL_NONE);
    assert_int_equal(body_audited(body, &rows), 1);
    body_free(body);
}

/* The rule may be known late: its levels do not count, but its audit mode does. */
static void checks_wait_for_the_rule(void **state)
{
    (void)state;
    format_level = CHECK_REJECT;
    refuses = GLANCE_OBJECTIONS_ALL;
    waits = true;
    each_image(&FIXED, try_waiting);
    each_image(&FIXED, try_waiting_for_a_rule_that_watches);
    waits = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(image_glance_would_refuse_is_refused),
        ENV_TEST(image_glance_is_not_known_to_refuse_passes),
        ENV_TEST(safety_check_has_its_own_reason),
        ENV_TEST(audited_refusal_is_noted),
        ENV_TEST(checks_wait_for_the_rule),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
