/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/buffered_fetch.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/stores.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stores_answers.h"
#include "support/policies.h"

static void must_list(const char *expected)
{
    struct buffer list;
    buffer_init(&list, 65536);
    assert_true(stores_list(stores, &list));
    assert_string_equal(buffer_text(&list), expected);
    buffer_free(&list);
}

/* --- what is there -------------------------------------------------------------------------- */

static void stores_are_unknown_before_an_answer(void **state)
{
    (void)state;
    assert_int_equal(stores_look(stores, "file"), STORE_UNKNOWN);
    must_list("");
}

static void answer_lists_the_stores(void **state)
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

static void unusable_store_names_are_left_out(void **state)
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

static void unreadable_answer_changes_nothing(void **state)
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

static void stores_have_a_maximum(void **state)
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

static void glance_without_stores_lists_none(void **state)
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

static void an_active_image_tells_the_algorithm(void **state)
{
    (void)state;
    static const char *const none[] = {"", "{}", "{\"images\": []}",
                                       "{\"images\": [{\"os_hash_algo\": null}]}"};
    static const char told[] =
        "{\"images\": [{\"os_hash_algo\": null}, {\"os_hash_algo\": \"sha256\"}]}";
    char algorithm[ALGORITHM_MAX + 1];
    assert_true(stores_ask_algorithm(stores));
    assert_false(stores_ask_algorithm(stores));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(stores_learn_from_list(stores, none[i], strlen(none[i])));
    now += STORES_FRESH_MS;
    assert_true(stores_ask_algorithm(stores)); /* once a minute */
    assert_true(stores_learn_from_list(stores, told, strlen(told)));
    stores_algorithm(stores, algorithm);
    assert_string_equal(algorithm, "sha256");
    now += STORES_FRESH_MS;
    assert_false(stores_ask_algorithm(stores));
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

static void one_request_at_a_time(void **state)
{
    (void)state;
    assert_false(stores_fresh(stores));
    assert_true(stores_fresh(stores)); /* a worker is asking */
    now += FETCH_TIMEOUT_MS - 1;
    assert_true(stores_fresh(stores));
    now++;
    assert_false(stores_fresh(stores)); /* the worker that asked never reports */
}

static void next_worker_asks_after_a_failed_request(void **state)
{
    (void)state;
    assert_false(stores_fresh(stores));
    stores_unanswered(stores);
    assert_false(stores_fresh(stores));
    assert_false(learn("?"));
    assert_false(stores_fresh(stores));
    assert_true(learn(TWO));
    stores_unanswered(stores); /* of another worker: the known answer stays fresh */
    assert_true(stores_fresh(stores));
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { WORKERS = 4, TIMES = 2000 };

static struct policy *shared_policy;
static atomic_uint askers, wrong;

/* Only an answer advances the time, so that no asking worker is taken for lost. */
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
        TEST(stores_are_unknown_before_an_answer),
        TEST(answer_lists_the_stores),
        TEST(unusable_store_names_are_left_out),
        TEST(unreadable_answer_changes_nothing),
        TEST(stores_have_a_maximum),
        TEST(glance_without_stores_lists_none),
        TEST(the_algorithm_is_the_one_reported_last),
        TEST(an_active_image_tells_the_algorithm),
        TEST(an_answer_is_fresh_for_a_while),
        TEST(one_request_at_a_time),
        TEST(next_worker_asks_after_a_failed_request),
        TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
