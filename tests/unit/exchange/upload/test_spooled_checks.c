/* SPDX-License-Identifier: Apache-2.0 */
/* Quota and capacity of an upload while it is spooled. */
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

enum { MIB = 1 << 20, SECOND = 1000 };

static void begin(struct fixture *fixture, void **state, const char *policy)
{
    fixture_begin(fixture, state, FIELDS);
    fixture_policy(fixture, state, policy);
    assert_true(image_check_begin(fixture->x, fixture->check));
    fixture->client.framing.framing = FRAMING_CHUNKED;
    fixture->head->no_length = true;
    fixture->size->comes_later = true;
    fixture->decision->size_ceiling = UINT64_MAX;
}

/* --- quota --------------------------------------------------------------------------------- */

static const struct usage ROOM = {.image_size_total = {true, 10, 1}}; /* 9 MiB are left */
static const struct usage FULL = {.image_size_total = {true, 10, 10}};
static const struct usage NONE = {.image_size_total = {true, -1, 5}};

static void begin_quota(struct fixture *fixture, void **state)
{
    begin(fixture, state, "default: {store: test}\n");
    fixture->image->owner = strdup("p");
}

static bool asks(struct fixture *fixture)
{
    return usage_account_is_asked(fixture_account(fixture));
}

static void goes_on(struct fixture *fixture, uint64_t so_far)
{
    assert_int_equal(upload_judge_spooled_quota(fixture->upload, so_far), STEP_NEXT);
    assert_logged(fixture, NULL);
}

static void the_quota_is_not_awaited_before_the_body(void **state)
{
    struct fixture fixture;
    begin_quota(&fixture, state);
    assert_true(asks(&fixture));
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_check_quota_early), STEP_NEXT);
    now += 20 * SECOND; /* and it has no end while it is spooled */
    goes_on(&fixture, 50 * MIB);
    fixture_tell_usage(&fixture, &FULL, NULL);
    assert_outcome(&fixture, upload_judge_spooled_quota(fixture.upload, 50 * MIB),
                   REFUSAL_QUOTA_EXCEEDED,
                   "the project may keep 10 MiB in all, has 10 and would need 60 "
                   "(image_size_total)");
    fixture_end(&fixture);
}

/* Its size may lead to another rule, perhaps one in audit mode. */
static void nothing_is_refused_while_the_decision_waits(void **state)
{
    struct fixture fixture;
    begin_quota(&fixture, state);
    fixture_tell_usage(&fixture, &FULL, NULL);
    fixture.decision->size_ceiling = 100 * MIB;
    goes_on(&fixture, 50 * MIB);
    fixture_end(&fixture);
}

static void an_old_quota_is_asked_again(void **state)
{
    static const struct {
        const struct usage *usage;
        uint64_t age;
        bool asks;
    } rows[] = {
        {&ROOM, 45 * SECOND - 1, false},
        {&ROOM, 45 * SECOND, true},
        {&NONE, 500 * SECOND, false}, /* good for ten minutes */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin_quota(&fixture, state);
        fixture_tell_usage(&fixture, rows[i].usage, NULL);
        goes_on(&fixture, MIB);
        now += rows[i].age;
        goes_on(&fixture, 2 * MIB);
        assert_int_equal(asks(&fixture), rows[i].asks);
        fixture_end(&fixture);
    }
}

static void a_failed_question_is_not_repeated(void **state)
{
    struct fixture fixture;
    begin_quota(&fixture, state);
    fixture_tell_usage(&fixture, NULL, "it answers 500");
    for (int i = 0; i < 3; i++) {
        now += 60 * SECOND;
        goes_on(&fixture, MIB);
        assert_false(asks(&fixture));
    }
    fixture_end(&fixture);
}

/* --- capacity ------------------------------------------------------------------------------ */

/* Its store has a bucket and a capacity of 1000 bytes. */
static void begin_capacity(struct fixture *fixture, void **state)
{
    char text[1024];
    snprintf(text, sizeof text,
             "default: {store: test}\n"
             "stores:\n"
             "  test: {s3: {endpoint: 'http://127.0.0.1:1', bucket: b, access_key_file: %s,\n"
             "              secret_key_file: %s}, capacity: 1000}\n",
             scratch_file(state, "access", "A\n"), scratch_file(state, "secret", "S\n"));
    begin(fixture, state, text);
}

static struct fetch *question(const struct fixture *fixture)
{
    return fixture_question(fixture, QUESTION_BUCKET);
}

static void tell(struct fixture *fixture, const char *used)
{
    fixture_answered(question(fixture), 200, "");
    assert_true(headers_add(&question(fixture)->answer.headers, "X-RGW-Bytes-Used", used));
}

static enum step_result judge(struct fixture *fixture, uint64_t so_far)
{
    return upload_judge_spooled_capacity(fixture->upload, so_far);
}

/* The upload is complete. */
static enum step_result end_with(struct fixture *fixture, uint64_t size)
{
    fixture->size->known = true;
    fixture->size->bytes = size;
    fixture_enter(fixture);
    return fixture_run(fixture, upload_check_capacity);
}

static void the_bucket_is_awaited_only_for_100_continue(void **state)
{
    for (int expects = 0; expects < 2; expects++) {
        struct fixture fixture;
        begin_capacity(&fixture, state);
        fixture.client.framing.expects_continue = expects;
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity),
                         expects ? STEP_WAIT : STEP_NEXT);
        assert_true(question(&fixture)->begun);
        assert_int_equal(judge(&fixture, 10), STEP_NEXT);
        fixture_end(&fixture);
    }
}

static void an_answer_while_it_is_spooled_refuses_or_reserves(void **state)
{
    static const struct {
        uint64_t so_far, size;
        const char *full; /* NULL: there is room */
    } rows[] = {
        {900, 1000, NULL},
        {1001, 0, "test may hold 1000 bytes, has 0 and 0 on their way, and this upload needs 1001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin_capacity(&fixture, state);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
        tell(&fixture, "0");
        assert_outcome(&fixture, judge(&fixture, rows[i].so_far),
                       rows[i].full ? REFUSAL_STORE_FULL : REFUSAL_NONE, rows[i].full);
        if (!rows[i].full) {
            assert_int_equal(end_with(&fixture, rows[i].size), STEP_NEXT);
            assert_false(question(&fixture)->begun);
            assert_int_equal(fixture.upload->capacity.reservation.bytes, rows[i].size);
        }
        fixture_end(&fixture);
    }
}

/* The answer may lack the bytes of an upload that has ended since. */
static void an_answer_may_be_too_old_at_the_end(void **state)
{
    enum { ENDED, OLD, TOO_SMALL, HOWS };
    for (int how = 0; how < HOWS; how++) {
        struct fixture fixture;
        struct capacity_reservation other = {0};
        uint64_t none;
        begin_capacity(&fixture, state);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
        tell(&fixture, "0");
        assert_int_equal(judge(&fixture, 10), STEP_NEXT);
        capacity_reserve(fixture.parts.capacity, "file", 1, 0, 1, &other, &none);
        if (how == ENDED)
            capacity_release(&other);
        now += how == OLD ? 60 * SECOND : 0;
        assert_int_equal(end_with(&fixture, how == TOO_SMALL ? 1001 : 10), STEP_WAIT);
        assert_true(question(&fixture)->begun);
        capacity_release(&other);
        fixture_end(&fixture);
    }
}

static void the_bucket_is_asked_again_while_it_is_spooled(void **state)
{
    static const struct {
        uint64_t age, so_far;
        bool asks;
    } rows[] = {
        {45 * SECOND - 1, 10, false},
        {45 * SECOND, 10, true},
        {SECOND - 1, 1001, false},
        {SECOND, 1001, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin_capacity(&fixture, state);
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
        tell(&fixture, "0");
        assert_int_equal(judge(&fixture, 10), STEP_NEXT);
        now += rows[i].age;
        assert_int_equal(judge(&fixture, rows[i].so_far), STEP_NEXT);
        assert_int_equal(question(&fixture)->begun, rows[i].asks);
        fixture_end(&fixture);
    }
}

/* It is known at the end whether the bucket of that store has room, if the store is the same. */
static void a_store_that_waits_for_the_size_is_asked_too(void **state)
{
    struct fixture fixture;
    begin_capacity(&fixture, state);
    fixture.decision->size_ceiling = 1;
    assert_int_equal(judge(&fixture, 10), STEP_NEXT);
    assert_true(question(&fixture)->begun);
    tell(&fixture, "1000");
    assert_int_equal(judge(&fixture, 10), STEP_NEXT); /* another store may be chosen */
    assert_false(question(&fixture)->begun);
    fixture_end(&fixture);
}

/* The size that the data announces has chosen another store, before the answer came. */
static void an_answer_of_another_store_refuses_nothing(void **state)
{
    struct fixture fixture;
    begin_capacity(&fixture, state);
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
    tell(&fixture, "1000");
    fixture.decision->store = "file";
    assert_int_equal(judge(&fixture, 10), STEP_NEXT);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_quota_is_not_awaited_before_the_body),
        FIXTURE_TEST(nothing_is_refused_while_the_decision_waits),
        FIXTURE_TEST(an_old_quota_is_asked_again),
        FIXTURE_TEST(a_failed_question_is_not_repeated),
        FIXTURE_TEST(the_bucket_is_awaited_only_for_100_continue),
        FIXTURE_TEST(an_answer_while_it_is_spooled_refuses_or_reserves),
        FIXTURE_TEST(an_answer_may_be_too_old_at_the_end),
        FIXTURE_TEST(the_bucket_is_asked_again_while_it_is_spooled),
        FIXTURE_TEST(a_store_that_waits_for_the_size_is_asked_too),
        FIXTURE_TEST(an_answer_of_another_store_refuses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
