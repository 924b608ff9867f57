/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/policy.h"
#include "intake/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/policies.h"

static const char TEXT[] = "limits: {uploads: 4, rate: 200MiB}\n"
                           "rules:\n"
                           "- name: mine\n"
                           "  when: {project: p}\n"
                           "  store: file\n"
                           "  limits: {uploads: 0, uploads_per_client: 2}\n"
                           "default: {store: test}\n";

static struct policy_decision decide(const struct policy *policy, const char *project)
{
    struct policy_decision decision;
    const struct policy_facts facts = {.project = project};
    policy_decide(policy, &facts, &decision);
    return decision;
}

static void assert_share(const struct policy_decision *decision, enum policy_limit which,
                         uint64_t limit, const char *rule)
{
    const struct policy_share *share = &decision->shares[which];
    assert_int_equal(share->limit, limit);
    if (rule)
        assert_string_equal(share->rule, rule);
    else
        assert_null(share->rule);
}

static void a_rule_replaces_the_limits_that_it_sets(void **state)
{
    struct policy *policy = good_policy(state, TEXT);
    struct policy_decision decision = decide(policy, "q");
    assert_share(&decision, POLICY_LIMIT_UPLOADS, 4, NULL);
    assert_share(&decision, POLICY_LIMIT_UPLOADS_PER_CLIENT, 0, NULL);
    assert_share(&decision, POLICY_LIMIT_RATE, UINT64_C(200) << 20, NULL);
    decision = decide(policy, "p");
    assert_share(&decision, POLICY_LIMIT_UPLOADS, 0, "mine"); /* none */
    assert_share(&decision, POLICY_LIMIT_UPLOADS_PER_CLIENT, 2, "mine");
    assert_share(&decision, POLICY_LIMIT_RATE, UINT64_C(200) << 20, NULL);
    policy_free(policy);
}

static void without_limits_there_are_none(void **state)
{
    struct policy *policy = good_policy(state, "default: {store: test}\n");
    struct policy_decision decision = decide(policy, "p");
    for (enum policy_limit i = 0; i < POLICY_LIMIT_COUNT; i++)
        assert_share(&decision, i, 0, NULL);
    policy_free(policy);
}

static void a_limit_is_found_by_the_rule_that_sets_it(void **state)
{
    struct policy *policy = good_policy(state, TEXT);
    assert_int_equal(policy_limit_of(policy, NULL, POLICY_LIMIT_UPLOADS), 4);
    assert_int_equal(policy_limit_of(policy, NULL, POLICY_LIMIT_UPLOADS_PER_CLIENT), 0);
    assert_int_equal(policy_limit_of(policy, "mine", POLICY_LIMIT_UPLOADS_PER_CLIENT), 2);
    assert_int_equal(policy_limit_of(policy, "mine", POLICY_LIMIT_RATE), 0);
    assert_int_equal(policy_limit_of(policy, "gone", POLICY_LIMIT_UPLOADS), 0);
    policy_free(policy);
}

static void faults_are_reported(void **state)
{
    static const char *const rows[][2] = {
        {"default: {store: a, limits: {upload: 4}}\n",
         ":1: limits has no 'upload': did you mean uploads?"},
        {"default: {store: a, limits: {uploads: four}}\n",
         ":1: uploads 'four' is not a whole number from 0 (no limit) to 100000"},
        {"default: {store: a, limits: {uploads_per_client: -1}}\n",
         ":1: uploads_per_client '-1' is not a whole number from 0 (no limit) to 100000"},
        {"default: {store: a, limits: {uploads: 100001}}\n",
         ":1: uploads '100001' is not a whole number from 0 (no limit) to 100000"},
        {"default: {store: a, limits: {rate: fast}}\n", ":1: rate 'fast' is not " UNITS_SIZE_FORM},
        {"default: {store: a, limits: {rate: 1KiB}}\n",
         ":1: rate is in bytes per second, and at least 64KiB; 0 means no limit"},
        {"limits: [4]\ndefault: {store: a}\n", ":1: limits must be keys and values"},
        {"rules: [{name: no, deny: no, limits: {uploads: 1}}]\ndefault: {store: a}\n",
         ":1: no: with deny there is nothing for store, allow, max_size, max_virtual_size, checks, "
         "limits or any mode but audit to do"},
        {"rules: [{name: i, when: {import_method: web-download}, store: a, limits: {uploads: 1}}]\n"
         "default: {store: a}\n",
         ":1: i: only uploads are checked and limited: with import_method there is nothing for "
         "checks or limits to do"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, rows[i][0], (const char *[]){rows[i][1], NULL});
}

static void assert_explained(void **state, const char *text, const char *project,
                             const char *expected)
{
    struct buffer out;
    struct policy *policy = good_policy(state, text);
    const struct policy_facts facts = {.project = project};
    const struct policy_decision decision = decide(policy, project);
    buffer_init(&out, 4096);
    policy_explain(policy, &facts, &decision, &out);
    const char *found = strstr(buffer_text(&out), "limits:");
    assert_string_equal(found ? found : "", expected);
    buffer_free(&out);
    policy_free(policy);
}

static void limits_are_explained(void **state)
{
    assert_explained(
        state, TEXT, "q",
        "limits: uploads: 4 of the project at one time, by all rules that set no such limit\n"
        "limits: rate: 200MiB per second of the project, by all rules that set no such limit\n");
    assert_explained(
        state, TEXT, "p",
        "limits: uploads_per_client: 2 of the client's address at one time, by this rule\n"
        "limits: rate: 200MiB per second of the project, by all rules that set no such limit\n");
    assert_explained(state, "mode: audit\nlimits: {uploads: 1}\ndefault: {store: a}\n", "p", "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(a_rule_replaces_the_limits_that_it_sets),
        TEST(without_limits_there_are_none),
        TEST(a_limit_is_found_by_the_rule_that_sets_it),
        TEST(faults_are_reported),
        TEST(limits_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
