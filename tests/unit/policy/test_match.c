/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/policies.h"

/* One condition against one fact: does the rule hold? */
static const struct {
    const char *when;
    struct policy_facts facts;
    bool condition_holds;
} rows[] = {
    {"disk_format: [vhd, vhdx]", {.disk_format = "vhdx"}, true},
    {"disk_format: [vhd, vhdx]", {.disk_format = "VHD"}, false},
    {"disk_format: [vhd, vhdx]", {.disk_format = "qcow2"}, false},
    {"disk_format: [vhd, vhdx]", {0}, false},
    {"disk_format: 'vh*'", {.disk_format = "vhd"}, false},
    {"container_format: bare", {.container_format = "bare"}, true},
    {"container_format: bare", {.container_format = "ovf"}, false},
    {"project: [p, q]", {.project = "q"}, true},
    {"project: [p, q]", {.project = "pq"}, false},
    {"name: 'win-*'", {.name = "win-11"}, true},
    {"name: 'win-*'", {.name = "Win-11"}, false},
    {"name: 'win-*'", {.name = "darwin-1"}, false},
    {"name: 'win-*'", {.name = ""}, false},
    {"name: 'win-*'", {0}, false},
    {"name: '*/x'", {.name = "a/b/x"}, true},
    {"name: '*'", {.name = ".hidden"}, true},
    {"name: '[ab]?'", {.name = "bz"}, true},
    {"name: '[ab]?'", {.name = "cz"}, false},
    {"visibility: [public]", {.visibility = "public"}, true},
    {"visibility: [public]", {.visibility = "private"}, false},
    {"user_agent: '*horizon*'", {.user_agent = "python OpenStack Horizon/1"}, true},
    {"user_agent: '*Horizon*'", {.user_agent = "horizon"}, true},
    {"user_agent: '*horizon*'", {.user_agent = "curl/7.88.1"}, false},
    {"client: [10.0.0.0/8, '::1']", {.client = "10.2.3.4"}, true},
    {"client: [10.0.0.0/8, '::1']", {.client = "::1"}, true},
    {"client: [10.0.0.0/8, '::1']", {.client = "192.0.2.1"}, false},
    {"client: [10.0.0.0/8, '::1']", {0}, false},
    {"import_method: [web-download, copy-image]", {.import_method = "copy-image"}, true},
    {"import_method: [web-download, copy-image]", {.import_method = "glance-direct"}, false},
    {"import_method: [web-download, copy-image]", {0}, false},
    {"larger_than: 1KiB", {.size_known = true, .size = 1025}, true},
    {"larger_than: 1KiB", {.size_known = true, .size = 1024}, false},
    {"larger_than: 1KiB", {.size_known = false, .size = 1025}, false},
    {"larger_than: 0", {.size_known = true, .size = 0}, false},
    {"larger_than: 0", {.size_known = true, .size = 1}, true},
    {"disk_format: iso, name: 'x*'", {.disk_format = "iso", .name = "xy"}, true},
    {"disk_format: iso, name: 'x*'", {.disk_format = "iso", .name = "y"}, false},
    {"disk_format: iso, name: 'x*'", {.disk_format = "raw", .name = "xy"}, false},
};

static void rule_matches_if_all_conditions_do(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "rules: [{name: r, when: {%s}, store: a}]\ndefault: {store: b}\n", rows[i].when);
        struct policy *policy = good_policy(state, text);
        const struct rule *rule = policy_find_rule(policy, &rows[i].facts);
        if ((rule == &policy->rules[0]) != rows[i].condition_holds)
            fail_msg("row %zu: %s", i, rows[i].when);
        policy_free(policy);
    }
}

static void first_matching_rule_is_found(void **state)
{
    struct policy *policy = good_policy(state, "rules:\n"
                                               "- {name: a, when: {name: 'a*'}, store: s}\n"
                                               "- {name: ab, when: {name: 'ab*'}, store: s}\n"
                                               "- {name: b, when: {name: 'b*'}, store: s}\n"
                                               "default: {store: s}\n");
    static const char *const found[][2] = {{"abc", "a"}, {"bcd", "b"}, {"cde", "default"}};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        const struct policy_facts facts = {.name = found[i][0]};
        assert_string_equal(policy_find_rule(policy, &facts)->name, found[i][1]);
    }
    policy_free(policy);
}

static void first_failing_condition_is_named(void **state)
{
    struct policy *policy = good_policy(
        state,
        "rules: [{name: r, when: {larger_than: 1KiB, name: x, disk_format: raw}, store: a}]\n"
        "default: {store: b}\n");
    const struct rule *rule = policy->rules;
    struct policy_facts facts = {.disk_format = "iso"};
    assert_int_equal(rule_mismatch(rule, &facts, false), CONDITION_DISK_FORMAT);
    facts.disk_format = "raw";
    assert_int_equal(rule_mismatch(rule, &facts, false), CONDITION_NAME);
    facts.name = "x";
    assert_int_equal(rule_mismatch(rule, &facts, false), CONDITION_LARGER_THAN);
    assert_int_equal(rule_mismatch(rule, &facts, true), CONDITION_COUNT);
    facts.size_known = true;
    facts.size = 2000;
    assert_int_equal(rule_mismatch(rule, &facts, false), CONDITION_COUNT);
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(rule_matches_if_all_conditions_do),
        TEST(first_matching_rule_is_found),
        TEST(first_failing_condition_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
