/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const NO_FIELDS[] = {NULL};

static void tell(struct fixture *fixture, struct usage_limit total, struct usage_limit stage_total)
{
    const struct usage usage = {.image_size_total = total, .image_stage_total = stage_total};
    fixture_tell_usage(fixture, &usage, NULL);
}

static void the_quota_is_checked_for_the_known_size(void **state)
{
    static const struct {
        struct usage_limit total, stage_total;
        bool stage, size_known;
        uint64_t size;
        const char *detail; /* NULL: it fits */
    } rows[] = {
        {{0}, {0}, false, true, UINT64_C(1) << 40, NULL},
        {{true, 10, 9}, {0}, false, true, 1 << 20, NULL},
        {{true, 10, 9},
         {0},
         false,
         true,
         (1 << 20) + 1,
         "the project may keep 10 MiB in all, has 9 and would need 11 (image_size_total)"},
        {{true, 10, 10}, {0}, false, false, 1 << 20, NULL},
        {{true, 10, 9}, {true, 5, 5}, false, true, 1, NULL},
        {{true, 10, 10},
         {true, 5, 5},
         true,
         true,
         1,
         "the project may keep 5 MiB in the staging area, has 5 and would need 6 "
         "(image_stage_total)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, NO_FIELDS);
        fixture_record(&fixture)->kind = rows[i].stage ? RECORD_STAGE : RECORD_FILE;
        fixture.size->known = rows[i].size_known;
        fixture.size->bytes = rows[i].size;
        tell(&fixture, rows[i].total, rows[i].stage_total);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early),
                       rows[i].detail ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE, rows[i].detail);
        fixture_end(&fixture);
    }
}

static void audit_mode_notes_a_full_quota(void **state)
{
    struct fixture fixture;
    fixture_begin(&fixture, state, NO_FIELDS);
    fixture_audit(&fixture, AUDIT_ON);
    fixture.size->known = true;
    fixture.size->bytes = 1;
    tell(&fixture, (struct usage_limit){true, 10, 10}, (struct usage_limit){0});
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early), REFUSAL_NONE, NULL);
    assert_true(fixture_record(&fixture)->audit_reasons == refusal_bit(REFUSAL_QUOTA_EXCEEDED));
    fixture_end(&fixture);
}

static const struct usage FULL = {.image_count_uploading = {true, 2, 2}};
static const char FULL_TOLD[] = "the project may upload 2 images at a time, and has 2 under way "
                                "(image_count_uploading)";

static void the_usage_is_waited_for(void **state)
{
    struct fixture fixture;
    fixture_begin(&fixture, state, NO_FIELDS);
    fixture_account(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
    assert_true(fixture_is_set(&fixture, STEP_TIMER)); /* it does not wait for ever */
    fixture_tell_usage(&fixture, &FULL, NULL);
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_QUOTA_EXCEEDED,
                   FULL_TOLD);
    fixture_end(&fixture);
}

/* 100 Continue does not wait for it long. */
static void the_usage_is_waited_for_briefly_before_100_continue(void **state)
{
    for (int in_time = 0; in_time < 2; in_time++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, NO_FIELDS);
        fixture_account(&fixture);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_quota_early), STEP_WAIT);
        assert_true(fixture_is_set(&fixture, STEP_TIMER)); /* the timer is set */
        assert_int_equal(fixture_run(&fixture, upload_check_quota_early), STEP_WAIT);
        if (in_time)
            fixture_tell_usage(&fixture, &FULL, NULL);
        fixture_fire(&fixture, STEP_TIMER);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early),
                       in_time ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE, in_time ? FULL_TOLD : NULL);
        fixture_end(&fixture);
    }
}

static void quota_off_checks_nothing(void **state)
{
    struct fixture fixture;
    fixture_begin(&fixture, state, NO_FIELDS);
    fixture.settings.upload.check_quota = false;
    assert_true(quota_answer_begin(fixture.upload));
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early), REFUSAL_NONE, NULL);
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_NONE, NULL);
    assert_logged(&fixture, NULL);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_quota_is_checked_for_the_known_size),
        FIXTURE_TEST(audit_mode_notes_a_full_quota),
        FIXTURE_TEST(the_usage_is_waited_for),
        FIXTURE_TEST(the_usage_is_waited_for_briefly_before_100_continue),
        FIXTURE_TEST(quota_off_checks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
