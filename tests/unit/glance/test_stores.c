/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/stores.h"

#include "intake/buffer.h"
#include "intake/buffered_fetch.h"
#include "intake/clock.h"
#include "intake/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

/* The clock is this test's: the linker takes these, and leaves the library's in the archive. */
static _Atomic uint64_t now;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static struct stores *stores;

static int set_up(void **state)
{
    now = 1000;
    stores = stores_new();
    return stores ? scratch_begin(state) : -1;
}

static int tear_down(void **state)
{
    stores_free(stores);
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

static bool learn(const char *json)
{
    return stores_learn(stores, json, strlen(json));
}

static void must_list(const char *expected)
{
    struct buffer list;
    buffer_init(&list, 65536);
    assert_true(stores_list(stores, &list));
    assert_string_equal(buffer_text(&list), expected);
    buffer_free(&list);
}

/* As Glance 25.1 answers. */
static const char TWO[] =
    "{\"stores\": [{\"id\": \"file\", \"description\": \"local files\", \"default\": \"true\"}, "
    "{\"id\": \"test\", \"description\": \"ceph object gateway\"}]}";

/* --- what is there -------------------------------------------------------------------------- */

static void before_an_answer_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(stores_look(stores, "file"), STORE_UNKNOWN);
    must_list("");
}

static void an_answer_says_which_are_there(void **state)
{
    (void)state;
    assert_true(learn(TWO));
    assert_int_equal(stores_look(stores, "file"), STORE_EXISTS);
    assert_int_equal(stores_look(stores, "test"), STORE_EXISTS);
    assert_int_equal(stores_look(stores, "tes"), STORE_MISSING);
    assert_int_equal(stores_look(stores, "test2"), STORE_MISSING);
    assert_int_equal(stores_look(stores, ""), STORE_MISSING);
    must_list("file, test");
    assert_true(learn("{\"stores\": [{\"id\": \"gold\"}]}"));
    assert_int_equal(stores_look(stores, "file"), STORE_MISSING);
    must_list("gold");
}

static void what_is_no_choice_is_left_out(void **state)
{
    (void)state;
    assert_true(
        learn("{\"stores\": [{\"id\": \"os_glance_tasks_store\"}, {\"id\": 7}, \"file\", {},"
              "{\"id\": \"\"}, {\"id\": \"a23456789b123456789c123456789d123456789e123456789"
              "f123456789g1234\"}, {\"id\": \"a23456789b123456789c123456789d123456789e123456"
              "789f123456789g12345\"}, {\"id\": \"test\"}]}"));
    must_list("a23456789b123456789c123456789d123456789e123456789f123456789g1234, test");
    assert_int_equal(stores_look(stores, "os_glance_tasks_store"), STORE_MISSING);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"stores\": null}",
        "{\"stores\": {\"id\": \"gold\"}}",
        "{\"stores\": []}",
        "{\"stores\": [{\"id\": \"os_glance_staging_store\"}]}",
        "{\"stores\": [{\"id\": \"gold\"}]",
        "{\"stores\": [{\"id\": \"gold\"}], \"stores\": []}",
        "<html>",
    };
    assert_true(learn(TWO));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (learn(rows[i]))
            fail_msg("taken: %s", rows[i]);
        must_list("file, test");
    }
}

static void there_is_a_maximum(void **state)
{
    (void)state;
    struct buffer json;
    buffer_init(&json, 65536);
    assert_true(buffer_print(&json, "{\"stores\": [{\"id\": \"s0\"}"));
    for (int i = 1; i < STORES_MAX; i++)
        assert_true(buffer_print(&json, ", {\"id\": \"s%d\"}", i));
    size_t most = json.len;
    assert_true(buffer_print(&json, "]}"));
    assert_true(learn(buffer_text(&json)));
    assert_int_equal(stores_look(stores, "s255"), STORE_EXISTS);
    json.len = most;
    assert_true(buffer_print(&json, ", {\"id\": \"one-too-many\"}]}"));
    assert_false(learn(buffer_text(&json)));
    buffer_free(&json);
}

static void a_glance_without_stores_says_nothing(void **state)
{
    (void)state;
    assert_true(learn(TWO));
    stores_learn_nothing(stores);
    assert_int_equal(stores_look(stores, "gold"), STORE_UNKNOWN);
    assert_true(stores_fresh(stores));
}

static void the_algorithm_is_the_one_reported_last(void **state)
{
    (void)state;
    char algorithm[ALGORITHM_MAX + 1] = "?";
    stores_algorithm(stores, algorithm);
    assert_string_equal(algorithm, "");
    stores_learn_algorithm(stores, "sha512");
    stores_learn_algorithm(stores, "sha3_512_and_more"); /* 17: none that OpenSSL has */
    stores_algorithm(stores, algorithm);
    assert_string_equal(algorithm, "sha512");
    stores_learn_algorithm(stores, "sha256");
    stores_algorithm(stores, algorithm);
    assert_string_equal(algorithm, "sha256");
}

/* --- when to ask ------------------------------------------------------------------------------ */

static void an_answer_is_fresh_for_a_while(void **state)
{
    (void)state;
    assert_false(stores_fresh(stores));
    assert_true(learn(TWO));
    now += STORES_FRESH_MS - 1;
    assert_true(stores_fresh(stores));
    now++;
    assert_false(stores_fresh(stores));
}

static void one_asks_at_a_time(void **state)
{
    (void)state;
    assert_false(stores_fresh(stores));
    assert_true(stores_fresh(stores)); /* somebody is at it */
    now += FETCH_TIMEOUT_MS - 1;
    assert_true(stores_fresh(stores));
    now++;
    assert_false(stores_fresh(stores)); /* whoever was at it is not heard of again */
}

static void without_an_answer_the_next_one_asks(void **state)
{
    (void)state;
    assert_false(stores_fresh(stores));
    stores_unanswered(stores);
    assert_false(stores_fresh(stores));
    assert_false(learn("?"));
    assert_false(stores_fresh(stores));
    assert_true(learn(TWO));
    stores_unanswered(stores); /* of another who asked: what is there stays fresh */
    assert_true(stores_fresh(stores));
}

/* --- what the policy names -------------------------------------------------------------------- */

static const char POLICY[] =
    "rules:\n"
    "- {name: a, when: {disk_format: raw}, store: gold, allow: [gold, file]}\n"
    "- {name: b, deny: no}\n"
    "- {name: c, store: goldfish, mode: force}\n"
    "default: {store: test, allow: [test, gold, old]}\n";

static void must_miss(const struct policy *policy, size_t count, const char *words)
{
    struct buffer said;
    buffer_init(&said, 65536);
    assert_int_equal(stores_missing(stores, policy, &said), count);
    assert_string_equal(buffer_text(&said), words);
    assert_int_equal(stores_missing(stores, policy, NULL), count);
    buffer_free(&said);
}

static void what_is_missing_is_named_once(void **state)
{
    struct policy *policy = good_policy(state, POLICY);
    must_miss(policy, 0, "");
    assert_true(learn(TWO));
    must_miss(policy, 3,
              "the policy names the stores gold, goldfish, old, which Glance does not have");
    assert_true(learn("{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}, {\"id\": \"old\"}, "
                      "{\"id\": \"goldfish\"}]}"));
    must_miss(policy, 1, "the policy names the store gold, which Glance does not have");
    stores_learn_nothing(stores);
    must_miss(policy, 0, "");
    policy_free(policy);
}

static void what_was_missing_long_ago_may_be_there(void **state)
{
    struct policy *policy = good_policy(state, "default: {store: gold}\n");
    assert_true(learn(TWO));
    now += STORES_TRUSTED_MS - 1;
    must_miss(policy, 1, "the policy names the store gold, which Glance does not have");
    now++;
    must_miss(policy, 0, "");
    assert_int_equal(stores_look(stores, "gold"), STORE_MISSING); /* for whoever has asked */
    assert_true(learn(TWO));
    must_miss(policy, 1, "the policy names the store gold, which Glance does not have");
    policy_free(policy);
}

static size_t count_in(const char *path, const char *words)
{
    char text[4096];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, words)); at++)
        count++;
    return count;
}

static void it_is_logged_when_it_is_news(void **state)
{
    const char *log = scratch_path(state, "log");
    struct policy *policy = good_policy(state, "default: {store: gold}\n");
    struct policy *other = good_policy(state, "default: {store: silver}\n");
    assert_true(log_open(LOG_FORMAT_TEXT, false, log));
    stores_tell_missing(stores, policy);
    assert_int_equal(count_in(log, "store"), 0);
    assert_true(learn(TWO));
    stores_tell_missing(stores, policy);
    stores_tell_missing(stores, policy);
    assert_int_equal(
        count_in(log, "ERROR the policy names the store gold, which Glance does not have"), 1);
    stores_tell_missing(stores, other);
    assert_int_equal(
        count_in(log, "ERROR the policy names the store silver, which Glance does not have"), 1);
    assert_true(learn("{\"stores\": [{\"id\": \"silver\"}]}"));
    stores_tell_missing(stores, other);
    stores_tell_missing(stores, other);
    assert_int_equal(
        count_in(log, "INFO no store that the policy names is known to be missing any more"), 1);
    policy_free(policy);
    policy_free(other);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { WORKERS = 4, TIMES = 2000 };

static struct policy *shared_policy;
static atomic_uint askers, wrong;

/* Only an answer lets time pass, so that nobody is taken for lost while he asks. */
static void ask(bool answered)
{
    wrong += atomic_fetch_add(&askers, 1) != 0;
    stores_learn_algorithm(stores, "sha512");
    atomic_fetch_sub(&askers, 1);
    if (answered) {
        wrong += !learn(TWO);
        now += STORES_FRESH_MS;
    } else {
        stores_unanswered(stores);
    }
}

static void *upload_often(void *context)
{
    (void)context;
    for (int i = 0; i < TIMES; i++) {
        char algorithm[ALGORITHM_MAX + 1];
        if (!stores_fresh(stores))
            ask(i % 2);
        wrong += stores_look(stores, "gold") == STORE_EXISTS;
        wrong += stores_missing(stores, shared_policy, NULL) > 1;
        stores_algorithm(stores, algorithm);
    }
    return NULL;
}

static void workers_share_them(void **state)
{
    pthread_t threads[WORKERS];
    shared_policy = good_policy(state, "default: {store: gold}\n");
    askers = wrong = 0;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, upload_often, NULL), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(wrong, 0);
    must_list("file, test");
    policy_free(shared_policy);
}

int main(void)
{
    stores_free(NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(before_an_answer_nothing_is_known),
        TEST(an_answer_says_which_are_there),
        TEST(what_is_no_choice_is_left_out),
        TEST(what_cannot_be_read_changes_nothing),
        TEST(there_is_a_maximum),
        TEST(a_glance_without_stores_says_nothing),
        TEST(the_algorithm_is_the_one_reported_last),
        TEST(an_answer_is_fresh_for_a_while),
        TEST(one_asks_at_a_time),
        TEST(without_an_answer_the_next_one_asks),
        TEST(what_is_missing_is_named_once),
        TEST(what_was_missing_long_ago_may_be_there),
        TEST(it_is_logged_when_it_is_news),
        TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
