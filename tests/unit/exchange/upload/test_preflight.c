/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const FIELDS[] = {"X-Auth-Token", "secret", NULL};

static const char IMAGE[] =
    "{\"id\": \"i\", \"status\": \"queued\", \"owner\": \"p\", \"disk_format\": \"raw\"}";
static const char STORES[] = "{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}]}";

static void begin(struct fixture *fixture, void **state)
{
    fixture_begin(fixture, state, FIELDS);
    fixture_policy(fixture, state, "default: {store: test}\n");
    fixture_enter(fixture);
}

/* All three questions are under way. */
static void ask(struct fixture *fixture, void **state)
{
    begin(fixture, state);
    assert_int_equal(fixture_run(fixture, upload_preflight), STEP_WAIT);
    assert_true(fixture_question(fixture, QUESTION_IMAGE)->begun &&
                usage_account_is_asked(fixture_account(fixture)) &&
                fixture_question(fixture, QUESTION_STORES)->begun);
}

/* --- questions ------------------------------------------------------------------------- */

static void learn(struct fixture *fixture)
{
    assert_true(stores_learn(fixture->parts.stores, STORES, strlen(STORES)));
}

static void take_turn(struct fixture *fixture)
{
    assert_false(stores_fresh(fixture->parts.stores)); /* another upload asks */
}

static void ask_no_quota(struct fixture *fixture)
{
    fixture->settings.upload.check_quota = false;
}

static void stage(struct fixture *fixture)
{
    fixture_record(fixture)->kind = RECORD_STAGE;
}

static void only_unknown_facts_are_asked_for(void **state)
{
    static const struct {
        void (*how)(struct fixture *fixture);
        bool usage, stores;
    } rows[] = {
        {NULL, true, true},          {learn, true, false}, {take_turn, true, false},
        {ask_no_quota, false, true}, {stage, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        if (rows[i].how)
            rows[i].how(&fixture);
        assert_int_equal(fixture_run(&fixture, upload_preflight), STEP_WAIT);
        assert_true(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        const struct usage_account *account = fixture.upload->quota.account;
        assert_int_equal(account && usage_account_is_asked(fixture_account(&fixture)),
                         rows[i].usage);
        assert_int_equal(fixture_question(&fixture, QUESTION_STORES)->begun, rows[i].stores);
        assert_field(&fixture.check->fields, "X-Auth-Token", "secret");
        fixture_end(&fixture);
    }
}

/* The answers about the image and the stores come in any order; the usage is read when needed. */
static void both_answers_are_waited_for(void **state)
{
    for (unsigned first = 0; first < 2; first++) {
        struct fixture fixture;
        ask(&fixture, state);
        struct fetch *fetches[] = {fixture_question(&fixture, QUESTION_IMAGE),
                                   fixture_question(&fixture, QUESTION_STORES)};
        const char *const answers[] = {IMAGE, STORES};
        for (unsigned i = 0; i < 2; i++) {
            unsigned next = (first + i) % 2;
            assert_int_equal(fixture_run(&fixture, upload_preflight), STEP_WAIT);
            fixture_answered(fetches[next], 200, answers[next]);
        }
        assert_outcome(&fixture, fixture_run(&fixture, upload_preflight), REFUSAL_NONE, NULL);
        assert_string_equal(fixture.image->owner, "p");
        assert_int_equal(stores_look(fixture.parts.stores, "test"), STORE_EXISTS);
        assert_false(fetches[0]->begun || fetches[1]->begun);
        assert_true(usage_account_is_asked(fixture_account(&fixture)));
        assert_logged(&fixture, NULL);
        fixture_end(&fixture);
    }
}

/* --- the image ------------------------------------------------------------------------- */

static void a_refusal_by_glance_passes_unchanged(void **state)
{
    static const unsigned statuses[] = {401, 403, 404, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct fixture fixture;
        ask(&fixture, state); /* and the other two are not answered */
        fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), statuses[i], "Glance's words");
        assert_int_equal(fixture_run(&fixture, upload_preflight), STEP_END);
        assert_int_equal(fixture.client.answer.status, statuses[i]);
        assert_string_equal(buffer_text(&fixture.client.answer.body), "Glance's words");
        assert_false(fixture_question(&fixture, QUESTION_STORES)->begun);
        assert_false(stores_fresh(fixture.parts.stores)); /* the next upload asks for them */
        fixture_end(&fixture);
    }
}

static void without_the_image_there_is_no_upload(void **state)
{
    static const char unreadable[] = "what it says of the image cannot be read";
    static const struct {
        unsigned status; /* 0: the transfer failed */
        enum transfer_result result;
        const char *body;
        bool too_long;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {200, TRANSFER_ANSWERED, "<html>", false, REFUSAL_GLANCE_FAILED, unreadable},
        {200, TRANSFER_ANSWERED, "{}", false, REFUSAL_GLANCE_FAILED, unreadable},
        {204, TRANSFER_ANSWERED, "", false, REFUSAL_GLANCE_FAILED, unreadable},
        {200, TRANSFER_ANSWERED, IMAGE, true, REFUSAL_GLANCE_FAILED, "its answer is too long"},
        {0, TRANSFER_UNREACHABLE, "", false, REFUSAL_GLANCE_UNREACHABLE, ""},
        {0, TRANSFER_STALLED, "", false, REFUSAL_GLANCE_TIMEOUT, ""},
        {0, TRANSFER_FAILED, "", false, REFUSAL_GLANCE_FAILED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        ask(&fixture, state);
        fixture_answered(fixture_question(&fixture, QUESTION_STORES), 200, STORES);
        if (rows[i].status)
            fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), rows[i].status,
                             rows[i].body);
        else
            fixture_broke(fixture_question(&fixture, QUESTION_IMAGE), rows[i].result);
        fixture_question(&fixture, QUESTION_IMAGE)->too_long = rows[i].too_long;
        assert_outcome(&fixture, fixture_run(&fixture, upload_preflight), rows[i].refusal,
                       rows[i].detail);
        assert_int_equal(fixture.client.answer.status, 0);
        fixture_end(&fixture);
    }
}

/* --- the stores ------------------------------------------------------------------------- */

static void missing_stores_are_logged_and_not_checked(void **state)
{
    static const struct {
        unsigned status; /* 0: the transfer failed */
        const char *body;
        const char *logged; /* NULL: nothing */
    } rows[] = {
        {404, "", NULL}, /* an older Glance */
        {500, "", "Glance does not tell its stores: it answers 500: not checked"},
        {204, "", "Glance does not tell its stores: it answers 204: not checked"},
        {200, "<html>", "the answer to /v2/info/stores cannot be read"},
        {0, "", "Glance does not tell its stores: libcurl's words: not checked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        ask(&fixture, state);
        struct fetch *stores = fixture_question(&fixture, QUESTION_STORES);
        fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, IMAGE);
        if (rows[i].status)
            fixture_answered(stores, rows[i].status, rows[i].body);
        else
            fixture_broke(stores, TRANSFER_STALLED);
        assert_outcome(&fixture, fixture_run(&fixture, upload_preflight), REFUSAL_NONE, NULL);
        assert_int_equal(stores_look(fixture.parts.stores, "test"), STORE_UNKNOWN);
        assert_logged(&fixture, rows[i].logged);
        fixture_end(&fixture);
    }
}

/* An older Glance, which answers 404, is not asked again soon. */
static void after_a_failure_the_next_upload_asks_for_the_stores(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        bool entering;
    } rows[] = {{200, STORES, true}, {404, "", true}, {500, "", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        ask(&fixture, state);
        fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, IMAGE);
        fixture_answered(fixture_question(&fixture, QUESTION_STORES), rows[i].status, rows[i].body);
        assert_int_equal(fixture_run(&fixture, upload_preflight), STEP_NEXT);
        assert_int_equal(stores_fresh(fixture.parts.stores), rows[i].entering);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(only_unknown_facts_are_asked_for),
        FIXTURE_TEST(both_answers_are_waited_for),
        FIXTURE_TEST(a_refusal_by_glance_passes_unchanged),
        FIXTURE_TEST(without_the_image_there_is_no_upload),
        FIXTURE_TEST(missing_stores_are_logged_and_not_checked),
        FIXTURE_TEST(after_a_failure_the_next_upload_asks_for_the_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
