/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

static void rule_count_excludes_the_default(void **state)
{
    struct policy *policy = good_policy(
        state, "rules: [{name: a, store: x}, {name: b, deny: no}]\ndefault: {store: x}\n");
    assert_int_equal(policy_rule_count(policy), 2);
    policy_free(policy);
}

static void no_file_means_no_policy(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *path = scratch_path(state, "absent.yaml");
    assert_null(policy_load(path, &diagnostics));
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(diagnostics.lines[0] + strlen(path),
                        ": cannot be opened: No such file or directory");
    diagnostics_free(&diagnostics);
}

static void note(const char *name, void *context)
{
    assert_true(buffer_print(context, "%s ", name));
}

static void every_named_store_is_visited(void **state)
{
    struct buffer names;
    struct policy *policy = good_policy(state, "rules:\n"
                                               "- {name: a, store: x}\n"
                                               "- {name: b, deny: no}\n"
                                               "- {name: c, store: y, allow: [z, y, x]}\n"
                                               "default: {store: w, mode: force}\n");
    buffer_init(&names, 256);
    policy_each_store(policy, note, &names);
    assert_string_equal(buffer_text(&names), "x y z y x w ");
    buffer_free(&names);
    policy_free(policy);
}

static void audit_covers_all_some_or_no_rules(void **state)
{
    static const struct {
        const char *text;
        enum policy_audit_scope watch;
    } rows[] = {
        {"default: {store: x}\n", POLICY_AUDITS_NONE},
        {"mode: enforce\ndefault: {store: x}\n", POLICY_AUDITS_NONE},
        {"mode: audit\ndefault: {store: x, mode: force}\n", POLICY_AUDITS_ALL},
        {"default: {store: x, mode: audit}\n", POLICY_AUDITS_SOME},
        {"rules: [{name: a, deny: no, mode: audit}]\ndefault: {store: x}\n", POLICY_AUDITS_SOME},
        {"rules: [{name: a, deny: no, mode: audit}]\nmode: audit\ndefault: {store: x}\n",
         POLICY_AUDITS_ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy *policy = good_policy(state, rows[i].text);
        assert_int_equal(policy_audits(policy), rows[i].watch);
        policy_free(policy);
    }
}

static void policy_free_accepts_null(void **state)
{
    (void)state;
    policy_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(rule_count_excludes_the_default), TEST(no_file_means_no_policy),
        TEST(every_named_store_is_visited),    TEST(audit_covers_all_some_or_no_rules),
        TEST(policy_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
