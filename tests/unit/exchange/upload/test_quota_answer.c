/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

/* The clock is this test's: the linker takes it, and leaves the library's in the archive. */
static uint64_t now = 1000000;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static const char *const FIELDS[] = {"X-Auth-Token", "secret", NULL};
enum { MIB = 1 << 20, SECOND = 1000, MINUTE = 60000 };

static const struct usage ROOM = {.image_size_total = {true, 10, 1}}; /* 9 MiB are left */
static const struct usage FULL = {.image_size_total = {true, 10, 10}};
static const struct usage NONE = {.image_size_total = {true, -1, 5}};

/* An upload of the project p, with `size` bytes. What Glance has told is remembered. */
static void begin(struct fixture *fixture, void **state, uint64_t size)
{
    fixture_begin(fixture, state, FIELDS);
    assert_true(image_check_begin(fixture->x, fixture->check));
    fixture->image->owner = strdup("p");
    fixture->size->known = true;
    fixture->size->bytes = size;
}

/* Glance has told this before the upload came, `age` ms ago. */
static void remember(struct fixture *fixture, const struct usage *usage, uint64_t age)
{
    struct usage_account *account =
        usage_account_open(fixture->parts.usage_answers, &fixture->check->fields);
    assert_true(
        usage_account_begin(account, quota_reservations_mark(fixture->parts.quota_reservations)));
    usage_account_end(account, usage, NULL);
    usage_account_close(account);
    now += age;
}

static bool asks(struct fixture *fixture)
{
    return usage_account_is_asked(fixture_account(fixture));
}

/* Both steps, without a wait. */
static void passes(struct fixture *fixture)
{
    assert_outcome(fixture, fixture_run(fixture, upload_check_quota_early), REFUSAL_NONE, NULL);
    assert_outcome(fixture, fixture_run(fixture, upload_reserve_quota), REFUSAL_NONE, NULL);
}

static void waits(struct fixture *fixture)
{
    fixture_account(fixture);
    fixture_enter(fixture);
    assert_int_equal(fixture_run(fixture, upload_check_quota_early), STEP_WAIT);
    assert_true(asks(fixture));
}

/* --- without a question ------------------------------------------------------------------ */

static void a_recent_answer_with_room_is_enough(void **state)
{
    static const struct {
        const struct usage *usage;
        uint64_t age, size;
        bool asks, waits;
    } rows[] = {
        {&ROOM, 0, 9 * MIB, false, false},
        {&ROOM, MINUTE - 1, 9 * MIB, false, false},
        {&ROOM, MINUTE, 1, true, true},
        {&ROOM, 0, 9 * MIB + 1, true, true},
        {&FULL, 0, 1, true, true},
        {&NONE, MINUTE - 1, UINT64_C(1) << 40, false, false},
        {&NONE, MINUTE, 1, true, false}, /* in the background */
        {&NONE, 10 * MINUTE - 1, 1, true, false},
        {&NONE, 10 * MINUTE, 1, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].size);
        remember(&fixture, rows[i].usage, rows[i].age);
        assert_int_equal(asks(&fixture), rows[i].asks);
        if (rows[i].waits)
            waits(&fixture);
        else
            passes(&fixture);
        assert_logged(&fixture, NULL);
        fixture_end(&fixture);
    }
}

/* What others of the project are sending counts, and what was stored since the answer. */
static void other_uploads_count(void **state)
{
    for (int stored = 0; stored < 2; stored++) {
        struct fixture fixture;
        struct quota_reservation one = {0};
        uint64_t reserved;
        const struct quota_request six = {.key = "0 10 p", .bytes = 6 * MIB, .left = UINT64_MAX};
        begin(&fixture, state, 6 * MIB);
        remember(&fixture, &ROOM, 0);
        quota_reserve(fixture.parts.quota_reservations, &six, &one, &reserved);
        quota_confirm(&one);
        if (stored)
            quota_release(&one, true);
        assert_false(asks(&fixture));
        waits(&fixture); /* the remembered answer leaves it open */
        fixture_tell_usage(&fixture, &ROOM, NULL);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early),
                       stored ? REFUSAL_NONE : REFUSAL_QUOTA_EXCEEDED,
                       stored ? NULL
                              : "the project may keep 10 MiB in all, has 1, with 6 on their way, "
                                "and would need 13 (image_size_total)");
        quota_release(&one, false);
        fixture_end(&fixture);
    }
}

/* Its size is known only when it is stored, so it has reserved nothing. */
static void an_upload_of_unknown_size_counts_when_it_is_stored(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, 0);
    fixture.size->known = false;
    remember(&fixture, &ROOM, 0);
    assert_false(asks(&fixture));
    passes(&fixture);
    fixture_sent(&fixture, "twelve bytes");
    fixture_answer(&fixture)->status = 204;
    assert_int_equal(fixture_run(&fixture, upload_count_quota), STEP_NEXT);
    assert_int_equal(quota_reservations_since(fixture.parts.quota_reservations, "0 10 p", 0), 12);
    exchange_close_record(fixture.x); /* once */
    assert_int_equal(quota_reservations_since(fixture.parts.quota_reservations, "0 10 p", 0), 12);
    fixture_end(&fixture);
}

/* Uploads that began since the answer may be in Glance's count, or not. */
static void the_number_of_uploads_counts(void **state)
{
    static const struct usage two = {.image_count_uploading = {true, 2, 0}};
    for (int others = 0; others < 3; others++) {
        struct fixture fixture;
        begin(&fixture, state, 1);
        remember(&fixture, &two, 0);
        struct usage_account *account = fixture_account(&fixture);
        for (int i = 0; i < others; i++)
            usage_account_upload(account);
        if (others < 2) {
            passes(&fixture);
        } else {
            waits(&fixture);
            fixture_tell_usage(&fixture, &two, NULL);
            passes(&fixture);
        }
        struct usage_answer known;
        usage_account_look(account, &known, NULL);
        assert_int_equal(known.uploads, others + 1); /* this one, too */
        fixture_end(&fixture);
    }
}

/* --- refusals ---------------------------------------------------------------------------- */

/* Images may have been deleted since. */
static void only_an_answer_to_a_later_question_refuses(void **state)
{
    for (int full = 0; full < 2; full++) {
        struct fixture fixture;
        begin(&fixture, state, 1);
        struct usage_account *account =
            usage_account_open(fixture.parts.usage_answers, &fixture.check->fields);
        assert_true(usage_account_begin(account, 0)); /* before the upload comes */
        waits(&fixture);
        fixture_tell_usage(&fixture, &FULL, NULL);
        waits(&fixture);
        fixture_tell_usage(&fixture, full ? &FULL : &ROOM, NULL);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early),
                       full ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE,
                       full ? "the project may keep 10 MiB in all, has 10 and would need 11 "
                              "(image_size_total)"
                            : NULL);
        assert_false(asks(&fixture));
        usage_account_close(account);
        fixture_end(&fixture);
    }
}

/* --- no answer --------------------------------------------------------------------------- */

static const struct usage ONE_AT_A_TIME = {.image_count_uploading = {true, 1, 0}};
static const char TOO_LARGE[] = "the project may keep 10 MiB in all, has 1 and would need 11 "
                                "(image_size_total)";
static const char TOO_MANY[] = "the project may upload 1 images at a time, and has 1 under way "
                               "(image_count_uploading)";
static const char OLD[] = "its answer takes more than ten seconds: what it told 130 s ago counts";
static const char NEVER[] = "its answer takes more than ten seconds: not checked";

/* After ten seconds the remembered answer counts, also to refuse, with the uploads under way. */
static void a_slow_answer_is_not_awaited_for_ever(void **state)
{
    static const struct {
        const struct usage *usage; /* NULL: nothing is remembered */
        uint64_t age, size;
        bool other; /* another upload is under way */
        const char *told, *logged;
    } rows[] = {
        {&ROOM, 2 * MINUTE, 9 * MIB, true, NULL, OLD},
        {&ROOM, 2 * MINUTE, 9 * MIB + 1, false, TOO_LARGE, OLD},
        {&ROOM, 10 * MINUTE, 9 * MIB + 1, false, NULL, NEVER},
        {NULL, 0, 9 * MIB + 1, true, NULL, NEVER},
        {&ONE_AT_A_TIME, 2 * MINUTE, 1, false, NULL, OLD},
        {&ONE_AT_A_TIME, 2 * MINUTE, 1, true, TOO_MANY, OLD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].size);
        if (rows[i].usage)
            remember(&fixture, rows[i].usage, rows[i].age);
        assert_true(asks(&fixture));
        if (rows[i].other)
            usage_account_upload(fixture_account(&fixture));
        now += 4 * SECOND; /* the steps before take some time */
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        assert_true(fixture_is_set(&fixture, STEP_TIMER));
        now += 6 * SECOND - 1;
        assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
        assert_logged(&fixture, NULL);
        now++;
        assert_outcome(&fixture, fixture_run(&fixture, upload_reserve_quota),
                       rows[i].told ? REFUSAL_QUOTA_EXCEEDED : REFUSAL_NONE, rows[i].told);
        assert_logged(&fixture, rows[i].logged);
        assert_true(asks(&fixture)); /* the question goes on, for the next upload */
        fixture_end(&fixture);
    }
}

/* The body may take an hour on its way to the disk. */
static void each_answer_is_awaited_for_ten_seconds(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, MIB);
    waits(&fixture);
    fixture_tell_usage(&fixture, &ROOM, NULL);
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_quota_early), REFUSAL_NONE, NULL);
    now += 60 * MINUTE;
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
    assert_true(asks(&fixture));
    now += 10 * SECOND - 1;
    assert_int_equal(fixture_run(&fixture, upload_reserve_quota), STEP_WAIT);
    assert_logged(&fixture, NULL);
    fixture_end(&fixture);
}

static void a_question_that_fails_is_not_repeated(void **state)
{
    for (int remembered = 0; remembered < 2; remembered++) {
        struct fixture fixture;
        begin(&fixture, state, MIB);
        if (remembered)
            remember(&fixture, &ROOM, MINUTE);
        waits(&fixture);
        fixture_tell_usage(&fixture, NULL, "it answers 500");
        passes(&fixture);
        assert_false(asks(&fixture));
        assert_logged(&fixture, remembered ? "Glance does not tell what the project may upload: "
                                             "it answers 500: what it told 60 s ago counts"
                                           : "Glance does not tell what the project may upload: "
                                             "it answers 500: not checked");
        fixture_end(&fixture);
    }
}

/* It may have failed for the other one's token alone. */
static void after_another_ones_question_has_failed_it_asks_itself(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, 1);
    struct usage_account *account =
        usage_account_open(fixture.parts.usage_answers, &fixture.check->fields);
    assert_true(usage_account_begin(account, 0));
    waits(&fixture);
    fixture_tell_usage(&fixture, NULL, "it answers 401");
    waits(&fixture);
    fixture_tell_usage(&fixture, &ROOM, NULL);
    passes(&fixture);
    assert_logged(&fixture, NULL);
    usage_account_close(account);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_recent_answer_with_room_is_enough),
        FIXTURE_TEST(other_uploads_count),
        FIXTURE_TEST(an_upload_of_unknown_size_counts_when_it_is_stored),
        FIXTURE_TEST(the_number_of_uploads_counts),
        FIXTURE_TEST(only_an_answer_to_a_later_question_refuses),
        FIXTURE_TEST(a_slow_answer_is_not_awaited_for_ever),
        FIXTURE_TEST(each_answer_is_awaited_for_ten_seconds),
        FIXTURE_TEST(a_question_that_fails_is_not_repeated),
        FIXTURE_TEST(after_another_ones_question_has_failed_it_asks_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
