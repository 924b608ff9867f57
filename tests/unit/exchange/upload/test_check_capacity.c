/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/tally.h"
#include "unit/exchange/fixture.h"

static const char *const NO_FIELDS[] = {NULL};

#define USED   "X-RGW-Bytes-Used"
#define BUCKET "X-RGW-Quota-Bucket-Size"

/* An upload of 40 bytes to a store with a bucket and a capacity of 1000 bytes. */
static void begin(struct fixture *fixture, void **state)
{
    char text[1024];
    fixture_begin(fixture, state, NO_FIELDS);
    snprintf(text, sizeof text,
             "default: {store: test}\n"
             "stores:\n"
             "  test: {s3: {endpoint: 'http://127.0.0.1:1', bucket: b, access_key_file: %s,\n"
             "              secret_key_file: %s}, capacity: 1000}\n",
             scratch_file(state, "access", "A\n"), scratch_file(state, "secret", "S\n"));
    fixture_policy(fixture, state, text);
    fixture->size->known = true;
    fixture->size->bytes = 40;
    fixture_enter(fixture);
}

/* Enters the step, and runs it again when the gateway has answered. */
static enum step_result look(struct fixture *fixture, unsigned status, const char *used,
                             const char *quota)
{
    struct fetch *asked = fixture_question(fixture, QUESTION_BUCKET);
    fixture_enter(fixture);
    assert_int_equal(fixture_run(fixture, upload_check_capacity), STEP_WAIT);
    assert_int_equal(fixture_run(fixture, upload_check_capacity), STEP_WAIT);
    fixture_answered(asked, status, "");
    assert_true(!used || headers_add(&asked->answer.headers, USED, used));
    assert_true(!quota || headers_add(&asked->answer.headers, BUCKET, quota));
    enum step_result result = fixture_run(fixture, upload_check_capacity);
    assert_false(asked->begun);
    return result;
}

static void assert_unchecked(struct fixture *fixture, bool unchecked)
{
    struct buffer text;
    const struct metrics_common common = {0};
    buffer_init(&text, 1 << 20);
    assert_true(metrics_text(&fixture->parts.metrics, 1, &common, &text));
    bool counted = strstr(buffer_text(&text),
                          "\nglance_intake_store_checks_failed_total{store=\"test\"} 1\n") != NULL;
    buffer_free(&text);
    assert_int_equal(counted, unchecked);
}

static void capacity_is_reserved_up_to_the_lower_limit(void **state)
{
    static const struct {
        const char *used, *quota;
        uint64_t others; /* on their way */
        bool size_known;
        const char *detail; /* NULL: there is space */
    } rows[] = {
        {"0", "-1", 0, true, NULL},
        {"960", "-1", 0, true, NULL},
        {"961", "-1", 0, true,
         "test may hold 1000 bytes, has 961 and 0 on their way, and this upload needs 40"},
        {"900", "-1", 60, true, NULL},
        {"900", "-1", 61, true,
         "test may hold 1000 bytes, has 900 and 61 on their way, and this upload needs 40"},
        {"460", "500", 0, true, NULL},
        {"461", "500", 0, true,
         "test may hold 500 bytes, has 461 and 0 on their way, and this upload needs 40"},
        {"961", "5000", 0, true,
         "test may hold 1000 bytes, has 961 and 0 on their way, and this upload needs 40"},
        /* without a known size only a full store is refused */
        {"999", "-1", 0, false, NULL},
        {"1000", "-1", 0, false,
         "test may hold 1000 bytes, has 1000 and 0 on their way, and this upload needs 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        struct capacity_reservation others = {0};
        uint64_t none;
        begin(&fixture, state);
        assert_int_equal(capacity_reserve(fixture.parts.capacity, "test", rows[i].others, 0, 1000,
                                          &others, &none),
                         CAPACITY_RESERVED);
        fixture.size->known = rows[i].size_known;
        assert_outcome(&fixture, look(&fixture, 200, rows[i].used, rows[i].quota),
                       rows[i].detail ? REFUSAL_STORE_FULL : REFUSAL_NONE, rows[i].detail);
        assert_unchecked(&fixture, false);
        capacity_release(&others);
        fixture_end(&fixture);
    }
}

static void audit_mode_notes_a_full_store(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture_audit(&fixture, AUDIT_ON);
    assert_outcome(&fixture, look(&fixture, 200, "961", "-1"), REFUSAL_NONE, NULL);
    assert_true(fixture_record(&fixture)->audit_reasons == refusal_bit(REFUSAL_STORE_FULL));
    fixture_end(&fixture);
}

/* The upload goes on, whatever the gateway answers. */
static void a_failed_question_refuses_nobody(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_int_equal(look(&fixture, 403, "7", NULL), STEP_NEXT);
    assert_logged(&fixture, "req-1: the space in test is unknown: the gateway answers 403");
    assert_unchecked(&fixture, true);
    fixture_end(&fixture);

    begin(&fixture, state);
    assert_int_equal(unlink(scratch_path(state, "secret")), 0);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
    assert_logged(&fixture, "req-1: the space in test is unknown: its bucket cannot be asked");
    assert_unchecked(&fixture, true);
    fixture_end(&fixture);
}

/* --- when the bucket is not asked ------------------------------------------------------- */

static void go_unchecked(struct fixture *fixture)
{
    fixture->settings.upload.check_quota = false;
}

static void go_to_staging(struct fixture *fixture)
{
    fixture_record(fixture)->kind = RECORD_STAGE;
}

static void go_elsewhere(struct fixture *fixture)
{
    fixture->decision->store = "file";
}

static void wait_for_the_size(struct fixture *fixture)
{
    fixture->size->known = false;
    fixture->size->comes_later = true;
    fixture->decision->size_ceiling = 1;
}

static void the_bucket_is_asked_only_if_the_store_is_chosen(void **state)
{
    static void (*const hows[])(struct fixture *) = {go_unchecked, go_to_staging, go_elsewhere,
                                                     wait_for_the_size};
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        hows[i](&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
        assert_false(fixture_question(&fixture, QUESTION_BUCKET)->begun);
        fixture_end(&fixture);
    }
}

/* How many bytes are on their way to the store. */
static uint64_t in_flight(struct fixture *fixture)
{
    struct capacity_reservation room = {0};
    uint64_t others;
    assert_int_equal(capacity_reserve(fixture->parts.capacity, "test", 1, 0, 0, &room, &others),
                     CAPACITY_FULL);
    return others;
}

static void the_bucket_is_asked_again_only_if_need_be(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_int_equal(look(&fixture, 200, "0", NULL), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 40);
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 40);
    fixture.size->bytes = 50; /* the answer has room for that */
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 50);
    fixture.size->bytes = 1000;
    assert_int_equal(look(&fixture, 200, "0", NULL), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 1000);
    exchange_close_record(fixture.x);
    assert_int_equal(in_flight(&fixture), 0);
    fixture_end(&fixture);
}

/* By the size that is known late the policy names a store that is not checked. */
static void another_store_gives_the_space_back(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_int_equal(look(&fixture, 200, "0", NULL), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 40);
    fixture.decision->store = "file";
    fixture_enter(&fixture);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 0);
    fixture.decision->store = "test";
    assert_int_equal(look(&fixture, 200, "0", NULL), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 40);
    fixture.decision->store = "file"; /* and it is spooled */
    assert_int_equal(upload_judge_spooled_capacity(fixture.upload, 10), STEP_NEXT);
    assert_int_equal(in_flight(&fixture), 0);
    fixture_end(&fixture);
}

/* They may be in the bucket by now, so it is asked again. */
static void bytes_at_another_proxy_cause_a_wait_first(void **state)
{
    struct fixture fixture;
    struct tally *elsewhere = tally_new();
    begin(&fixture, state);
    assert_non_null(elsewhere);
    assert_true(tally_add(elsewhere, "test", (struct tally_bytes){UINT64_MAX / 2, 0}));
    capacity_hear(fixture.parts.capacity, elsewhere, false);
    assert_int_equal(look(&fixture, 200, "0", NULL), STEP_WAIT);
    assert_true(fixture_is_set(&fixture, STEP_TIMER));
    assert_false(fixture.upload->capacity.question.fetch.begun);
    fixture_fire(&fixture, STEP_TIMER);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_WAIT);
    assert_true(fixture.upload->capacity.question.fetch.begun);
    fixture.upload->capacity.wait_began_ms = clock_ms() - 60000;
    struct fetch *asked = fixture_question(&fixture, QUESTION_BUCKET);
    fixture_answered(asked, 200, "");
    assert_true(headers_add(&asked->answer.headers, USED, "0"));
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_REFUSE);
    fixture_end(&fixture);
}

/* Before the gateway answers with `used`, an upload ends that was in flight when it was asked. */
static enum step_result answer_late(struct fixture *fixture, const char *used)
{
    struct fetch *asked = fixture_question(fixture, QUESTION_BUCKET);
    struct capacity_reservation ends = {0};
    uint64_t none;
    assert_true(asked->begun);
    assert_int_equal(capacity_reserve(fixture->parts.capacity, "test", 1, 0, 1000, &ends, &none),
                     CAPACITY_RESERVED);
    capacity_release(&ends);
    fixture_answered(asked, 200, "");
    assert_true(headers_add(&asked->answer.headers, USED, used));
    return fixture_run(fixture, upload_check_capacity);
}

/* The bytes of an upload that has ended since may be neither in the answer nor in flight. */
static void an_answer_from_before_the_end_of_an_upload_is_asked_again(void **state)
{
    struct fixture fixture;
    struct fetch *asked;
    begin(&fixture, state);
    asked = fixture_question(&fixture, QUESTION_BUCKET);
    assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_WAIT);
    assert_int_equal(answer_late(&fixture, "0"), STEP_WAIT);
    fixture_answered(asked, 200, "");
    assert_true(headers_add(&asked->answer.headers, USED, "961"));
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_capacity), REFUSAL_STORE_FULL,
                   "test may hold 1000 bytes, has 961 and 0 on their way, and this upload needs "
                   "40");
    fixture_end(&fixture);
}

/* Where uploads end all the time, the last answer counts. Each check has as many questions. */
static void the_bucket_is_asked_again_three_times_at_most(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    for (int check = 0; check < 2; check++) {
        fixture.size->bytes = check ? 1000 : 40;
        fixture_enter(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_check_capacity), STEP_WAIT);
        for (int i = 0; i < 3; i++)
            assert_int_equal(answer_late(&fixture, "0"), STEP_WAIT);
        assert_int_equal(in_flight(&fixture), 0);
        assert_int_equal(answer_late(&fixture, "0"), STEP_NEXT);
        assert_int_equal(in_flight(&fixture), fixture.size->bytes);
    }
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(capacity_is_reserved_up_to_the_lower_limit),
        FIXTURE_TEST(audit_mode_notes_a_full_store),
        FIXTURE_TEST(a_failed_question_refuses_nobody),
        FIXTURE_TEST(the_bucket_is_asked_only_if_the_store_is_chosen),
        FIXTURE_TEST(the_bucket_is_asked_again_only_if_need_be),
        FIXTURE_TEST(another_store_gives_the_space_back),
        FIXTURE_TEST(bytes_at_another_proxy_cause_a_wait_first),
        FIXTURE_TEST(an_answer_from_before_the_end_of_an_upload_is_asked_again),
        FIXTURE_TEST(the_bucket_is_asked_again_three_times_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
