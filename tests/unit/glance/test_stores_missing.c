/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that the policy names and Glance does not have. */
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

static void missing_store_is_named_once(void **state)
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

static void old_answer_names_nothing_missing(void **state)
{
    struct policy *policy = good_policy(state, "default: {store: gold}\n");
    assert_true(learn(TWO));
    now += STORES_TRUSTED_MS - 1;
    must_miss(policy, 1, "the policy names the store gold, which Glance does not have");
    now++;
    must_miss(policy, 0, "");
    assert_int_equal(stores_look(stores, "gold"), STORE_MISSING); /* for a client that asks */
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

static void changes_of_missing_stores_are_logged(void **state)
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

int main(void)
{
    stores_free(NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(missing_store_is_named_once),
        TEST(old_answer_names_nothing_missing),
        TEST(changes_of_missing_stores_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
