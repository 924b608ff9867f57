/* SPDX-License-Identifier: Apache-2.0 */
/* The quota, and other uploads that are under way. */
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

enum { MIB = 1 << 20 };

/* An upload of 6 MiB, where 9 MiB are left. */
static void begin(struct fixture *fixture, void **state)
{
    fixture_begin(fixture, state, NO_FIELDS);
    fixture->image->owner = strdup("p");
    fixture->size->known = true;
    fixture->size->bytes = 6 * MIB;
    tell(fixture, (struct usage_limit){true, 10, 1}, (struct usage_limit){0});
}

/* Another upload of the same project. `firm`: Glance has begun to take its body. */
static struct quota_reservation other(struct fixture *fixture, uint64_t bytes, bool firm)
{
    struct quota_reservation one = {0};
    uint64_t reserved;
    const struct quota_request requested = {.key = "0 10 p", .bytes = bytes, .left = UINT64_MAX};
    assert_int_equal(quota_reserve(fixture->parts.quota_reservations, &requested, &one, &reserved),
                     QUOTA_RESERVED);
    if (firm)
        quota_confirm(&one);
    return one;
}

static const char TOLD[] = "the project may keep 10 MiB in all, has 1, with 6 on their way, and "
                           "would need 13 (image_size_total)";

static void firm_reservations_count_before_100_continue(void **state)
{
    for (int firm = 0; firm < 2; firm++) {
        struct fixture fixture;
        begin(&fixture, state);
        struct quota_reservation one = other(&fixture, 6 * MIB, firm);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early),
                       firm ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE, firm ? TOLD : NULL);
        assert_null(fixture_reservation(&fixture)->row);
        quota_release(&one, false);
        fixture_end(&fixture);
    }
}

static void firm_reservations_count_before_sending(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    struct quota_reservation one = other(&fixture, 6 * MIB, true);
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_QUOTA_EXCEEDED,
                   TOLD);
    quota_release(&one, false);
    fixture_end(&fixture);
}

/* Glance might still refuse the other upload, so the wait has a limit. */
static void provisional_reservations_are_waited_for_briefly(void **state)
{
    for (int firm = 0; firm < 2; firm++) {
        struct fixture fixture;
        begin(&fixture, state);
        struct quota_reservation one = other(&fixture, 6 * MIB, false);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        assert_true(fixture_is_set(&fixture, STEP_TIMER)); /* the timer is set */
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        if (firm)
            quota_confirm(&one);
        else
            fixture.upload->quota.wait_began_ms = clock_ms() - 5001;
        assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota),
                       firm ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE, firm ? TOLD : NULL);
        assert_int_equal(fixture_reservation(&fixture)->row != NULL, !firm);
        quota_release(&one, false);
        fixture_end(&fixture);
    }
}

/* Only uploads of the same project and the same limit count. */
static void other_projects_and_limits_do_not_count(void **state)
{
    static const struct {
        const char *owner;
        bool stage;
        int64_t limit;
    } rows[] = {{"q", false, 10}, {"p", true, 10}, {"p", false, 11}, {NULL, false, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        const struct usage_limit limit = {true, rows[i].limit, 1};
        fixture_begin(&fixture, state, NO_FIELDS);
        fixture.size->known = true;
        fixture.size->bytes = 6 * MIB;
        struct quota_reservation one = other(&fixture, 6 * MIB, true);
        fixture.image->owner = rows[i].owner ? strdup(rows[i].owner) : NULL;
        fixture_record(&fixture)->kind = rows[i].stage ? RECORD_STAGE : RECORD_FILE;
        tell(&fixture, limit, limit);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early), REFUSAL_NONE,
                       NULL);
        assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_NONE, NULL);
        quota_release(&one, false);
        fixture_end(&fixture);
    }
}

static void the_usage_is_asked_for_again_after_another_upload_was_stored(void **state)
{
    static const struct usage_limit none = {0};
    struct fixture fixture;
    begin(&fixture, state);
    struct quota_reservation one = other(&fixture, 6 * MIB, true);
    quota_release(&one, true);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        tell(&fixture, (struct usage_limit){true, 10, 1}, none);
        one = other(&fixture, 6 * MIB, true);
        quota_release(&one, true);
    }
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_NONE,
                   NULL); /* it asks three times */
    fixture_end(&fixture);

    begin(&fixture, state);
    one = other(&fixture, 6 * MIB, true);
    quota_release(&one, true);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
    tell(&fixture, (struct usage_limit){true, 10, 7}, none);
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_QUOTA_EXCEEDED,
                   "the project may keep 10 MiB in all, has 7 and would need 13 "
                   "(image_size_total)");
    fixture_end(&fixture);
}

static uint64_t reserved(struct fixture *fixture)
{
    struct quota_reservation mine = *fixture_reservation(fixture);
    if (mine.row)
        quota_confirm(fixture_reservation(fixture));
    return quota_reservations_firm(fixture->parts.quota_reservations, "0 10 p");
}

static void the_reservation_ends_with_the_upload(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_NEXT);
    assert_int_equal(reserved(&fixture), 6 * MIB);
    exchange_close_record(fixture.x);
    assert_int_equal(reserved(&fixture), 0);
    fixture_end(&fixture);

    begin(&fixture, state);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_NEXT);
    fixture_answer(&fixture)->status = 204;
    assert_int_equal(fixture_run(&fixture, upload_count_quota),
                     STEP_NEXT); /* Glance's usage has it now */
    assert_int_equal(reserved(&fixture), 0);
    assert_int_equal(quota_reservations_mark(fixture.parts.quota_reservations), 6 * MIB);
    fixture_end(&fixture);

    begin(&fixture, state);
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_NEXT);
    fixture_answer(&fixture)->status = 409;
    assert_int_equal(fixture_run(&fixture, upload_count_quota), STEP_NEXT);
    assert_int_equal(reserved(&fixture), 6 * MIB);
    exchange_close_record(fixture.x);
    assert_int_equal(reserved(&fixture), 0);
    assert_int_equal(quota_reservations_mark(fixture.parts.quota_reservations), 0);
    fixture_end(&fixture);
}

/* The upload goes to Glance, so others must count it. */
static void in_audit_mode_the_bytes_are_reserved(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture_audit(&fixture, AUDIT_ON);
    struct quota_reservation one = other(&fixture, 6 * MIB, true);
    assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota), REFUSAL_NONE, NULL);
    assert_true(fixture_record(&fixture)->audit_reasons == refusal_bit(REFUSAL_QUOTA_EXCEEDED));
    quota_release(&one, false);
    assert_int_equal(reserved(&fixture), 6 * MIB);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(firm_reservations_count_before_100_continue),
        FIXTURE_TEST(firm_reservations_count_before_sending),
        FIXTURE_TEST(provisional_reservations_are_waited_for_briefly),
        FIXTURE_TEST(other_projects_and_limits_do_not_count),
        FIXTURE_TEST(the_usage_is_asked_for_again_after_another_upload_was_stored),
        FIXTURE_TEST(the_reservation_ends_with_the_upload),
        FIXTURE_TEST(in_audit_mode_the_bytes_are_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
