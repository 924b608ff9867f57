/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "intake/buffer.h"
#include "support/policies.h"

static void a_rule_has_levels_of_its_own(void **state)
{
    struct policy *policy = good_policy(
        state, "rules:\n"
               "- {name: a, store: x, checks: {damaged: warn, format: off, unsafe_format: reject,\n"
               "                               truncated: warn, compressed: off, empty: allow}}\n"
               "default: {store: test, checks: {format: warn}}\n");
    static const enum check_level levels[] = {CHECK_WARN, CHECK_OFF, CHECK_REJECT, CHECK_WARN,
                                              CHECK_OFF};
    const struct policy_checks *checks = &policy->rules[0].checks;
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++) {
        assert_true(checks->set[i]);
        assert_int_equal(checks->level[i], levels[i]);
    }
    assert_true(checks->empty_allowed);
    checks = &policy->rules[1].checks;
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
        assert_int_equal(checks->set[i], i == POLICY_CHECK_FORMAT);
    assert_int_equal(checks->level[POLICY_CHECK_FORMAT], CHECK_WARN);
    assert_false(checks->empty_allowed);
    policy_free(policy);
}

static void unknown_check_or_level_is_reported(void **state)
{
    static const char *const rows[][2] = {
        {"default: {store: a, checks: {formats: off}}\n",
         ":1: checks has no 'formats': did you mean format?"},
        {"default: {store: a, checks: {format: rejct}}\n",
         ":1: format 'rejct' is not off, warn or reject: did you mean reject?"},
        {"default: {store: a, checks: {format: decompress}}\n",
         ":1: format 'decompress' is not off, warn or reject"},
        {"default: {store: a, checks: {compressed: decompres}}\n",
         ":1: compressed 'decompres' is not off, warn, reject or decompress: did you mean "
         "decompress?"},
        {"default: {store: a, checks: {empty: allowed}}\n",
         ":1: empty 'allowed' is not reject or allow: did you mean allow?"},
        {"default: {store: a, checks: [format]}\n", ":1: checks must be keys and values"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, rows[i][0], (const char *[]){rows[i][1], NULL});
}

static void rule_inherits_the_default_levels(void **state)
{
    (void)state;
    static const struct check_levels everywhere = {CHECK_REJECT, CHECK_REJECT, CHECK_WARN,
                                                   CHECK_OFF, CHECK_WARN};
    const struct policy_checks none = {.empty_allowed = true};
    struct check_levels levels = policy_check_levels(&none, &everywhere);
    assert_memory_equal(&levels, &everywhere, sizeof levels);
    for (enum policy_check i = 0; i < POLICY_CHECK_COUNT; i++) {
        struct policy_checks one = {.set = {[0] = false}};
        struct check_levels expected = everywhere;
        one.set[i] = true;
        one.level[i] = i == POLICY_CHECK_TRUNCATED ? CHECK_REJECT : CHECK_OFF;
        switch (i) {
        case POLICY_CHECK_DAMAGED:
            expected.damaged = CHECK_OFF;
            break;
        case POLICY_CHECK_FORMAT:
            expected.format = CHECK_OFF;
            break;
        case POLICY_CHECK_UNSAFE_FORMAT:
            expected.unsafe_format = CHECK_OFF;
            break;
        case POLICY_CHECK_TRUNCATED:
            expected.truncated = CHECK_REJECT;
            break;
        default:
            expected.compressed = CHECK_OFF;
        }
        levels = policy_check_levels(&one, &everywhere);
        assert_memory_equal(&levels, &expected, sizeof levels);
    }
}

static void check_levels_are_explained(void **state)
{
    (void)state;
    static const struct {
        struct policy_checks checks;
        const char *told;
    } rows[] = {
        {{.empty_allowed = false}, ""},
        {{.empty_allowed = true}, "checks of this rule: empty: allow\n"},
        {{.set = {[POLICY_CHECK_DAMAGED] = true, [POLICY_CHECK_FORMAT] = true},
          .level = {[POLICY_CHECK_DAMAGED] = CHECK_OFF, [POLICY_CHECK_FORMAT] = CHECK_WARN},
          .empty_allowed = true},
         "checks of this rule: damaged: off, format: warn, empty: allow\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1024);
        checks_explain(&rows[i].checks, &out);
        assert_string_equal(buffer_text(&out), rows[i].told);
        buffer_free(&out);
    }
}

static void any_rule_may_have_data_decompressed(void **state)
{
    static const struct {
        const char *text;
        bool told;
    } rows[] = {
        {"default: {store: a}\n", false},
        {"default: {store: a, checks: {compressed: reject}}\n", false},
        {"default: {store: a, checks: {compressed: decompress}}\n", true},
        {"rules:\n- {name: b, store: b, checks: {compressed: decompress}}\ndefault: {store: a}\n",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy *policy = good_policy(state, rows[i].text);
        assert_int_equal(policy_decompresses(policy), rows[i].told);
        policy_free(policy);
    }
}

static void check_levels_are_compared(void **state)
{
    (void)state;
    const struct policy_checks none = {.empty_allowed = false};
    const struct policy_checks empty = {.empty_allowed = true};
    struct policy_checks warn = {.set = {[POLICY_CHECK_FORMAT] = true}};
    struct policy_checks off = warn;
    warn.level[POLICY_CHECK_FORMAT] = CHECK_WARN;
    assert_true(checks_equal(&none, &empty)); /* no size changes that */
    assert_true(checks_equal(&warn, &warn));
    assert_false(checks_equal(&none, &off));
    assert_false(checks_equal(&off, &warn));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(a_rule_has_levels_of_its_own),       TEST(any_rule_may_have_data_decompressed),
        TEST(unknown_check_or_level_is_reported), TEST(rule_inherits_the_default_levels),
        TEST(check_levels_are_explained),         TEST(check_levels_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
