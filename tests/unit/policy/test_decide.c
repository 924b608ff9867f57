/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/policies.h"

static const char text[] =
    "rules:\n"
    "  - {name: deny, when: {name: deny}, deny: not here}\n"
    "  - {name: force, when: {name: force}, store: test, mode: force, max_size: 1KiB,\n"
    "     max_virtual_size: 3KiB}\n"
    "  - {name: choose, when: {name: choose}, store: file, mode: default, allow: [file, test]}\n"
    "  - {name: any, when: {name: any}, store: file, mode: default}\n"
    "default: {store: test, mode: force}\n";

/* A named fact is the image's name, which selects the rule; then what the client requests. */
static const struct {
    const char *name;
    const char *asked;
    uint64_t size;
    const char *rule;
    const char *store; /* NULL: not looked at */
    enum policy_verdict verdict;
    bool replaced;
} rows[] = {
    {"other", NULL, 1, "default", "test", POLICY_ACCEPT, false},
    {"deny", NULL, 1, "deny", NULL, POLICY_DENY, false},
    {"deny", "test", 1, "deny", NULL, POLICY_DENY, false},
    {"force", NULL, 1024, "force", "test", POLICY_ACCEPT, false},
    {"force", "test", 1, "force", "test", POLICY_ACCEPT, false},
    {"force", "file", 1, "force", "test", POLICY_ACCEPT, true},
    {"force", "os_glance_tasks_store", 1, "force", "test", POLICY_ACCEPT, true},
    {"force", "test,file", 1, "force", "test", POLICY_ACCEPT, true},
    {"force", NULL, 1025, "force", NULL, POLICY_TOO_LARGE, false},
    {"choose", NULL, 1, "choose", "file", POLICY_ACCEPT, false},
    {"choose", "file", 1, "choose", "file", POLICY_ACCEPT, false},
    {"choose", "test", 1, "choose", "test", POLICY_ACCEPT, false},
    {"choose", "rbd", 1, "choose", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"choose", "TEST", 1, "choose", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"choose", "file,test", 1, "choose", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"any", NULL, 1, "any", "file", POLICY_ACCEPT, false},
    {"any", "rbd", 1, "any", "rbd", POLICY_ACCEPT, false},
    {"any", "os_glance_staging_store", 1, "any", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"any", "file, rbd", 1, "any", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"any", " os_glance_staging_store", 1, "any", NULL, POLICY_STORE_NOT_ALLOWED, false},
    {"any", "", 1, "any", NULL, POLICY_STORE_NOT_ALLOWED, false},
};

static void rule_and_requested_store_make_the_decision(void **state)
{
    struct policy *policy = good_policy(state, text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct policy_facts facts = {.name = rows[i].name,
                                           .requested_store = rows[i].asked,
                                           .size_known = true,
                                           .size = rows[i].size};
        struct policy_decision decision;
        policy_decide(policy, &facts, &decision);
        if (decision.verdict != rows[i].verdict)
            fail_msg("row %zu: verdict %d", i, (int)decision.verdict);
        assert_string_equal(decision.rule, rows[i].rule);
        assert_int_equal(decision.replaced, rows[i].replaced);
        if (rows[i].store)
            assert_string_equal(decision.store, rows[i].store);
        assert_true(decision.size_ceiling == UINT64_MAX);
        bool limited = strcmp(rows[i].rule, "force") == 0;
        assert_int_equal(decision.max_size, limited ? 1024 : UINT64_MAX);
        assert_int_equal(decision.max_virtual_size, limited ? 3072 : UINT64_MAX);
    }
    policy_free(policy);
}

static void a_refusal_has_its_particulars(void **state)
{
    struct policy *policy = good_policy(state, text);
    struct policy_decision decision;
    policy_decide(policy, &(struct policy_facts){.name = "deny"}, &decision);
    assert_string_equal(decision.why, "not here");
    policy_decide(policy, &(struct policy_facts){.name = "choose", .requested_store = "x"},
                  &decision);
    assert_string_equal(decision.allowed, "file, test");
    policy_decide(policy, &(struct policy_facts){.name = "any", .requested_store = "os_glance_x"},
                  &decision);
    assert_int_equal(decision.verdict, POLICY_STORE_NOT_ALLOWED);
    assert_null(decision.allowed);
    policy_decide(policy, &(struct policy_facts){.name = "force"}, &decision);
    assert_int_equal(decision.verdict, POLICY_ACCEPT);
    assert_int_equal(decision.max_size, 1024);
    assert_int_equal(decision.max_virtual_size, 3072);
    policy_free(policy);
}

/* The decision is the one that would be obeyed; only that it is not differs. */
static void audited_decision_is_made_as_usual(void **state)
{
    static const char rules[] =
        "rules:\n"
        "- {name: all, when: {name: all}, store: test, mode: audit, max_size: 1KiB}\n"
        "- {name: some, when: {name: some}, store: test, mode: audit, allow: [test]}\n"
        "- {name: deny, when: {name: deny}, deny: no, mode: audit}\n"
        "default: {store: test, mode: force}\n";
    static const struct {
        const char *name;
        enum policy_verdict verdict;
        bool replaced;
        bool watched; /* by the rule */
    } watched[] = {
        {"all", POLICY_TOO_LARGE, true, true},
        {"some", POLICY_STORE_NOT_ALLOWED, false, true},
        {"deny", POLICY_DENY, false, true},
        {"x", POLICY_ACCEPT, true, false},
    };
    for (int whole = 0; whole < 2; whole++) {
        char all[512];
        snprintf(all, sizeof all, "%s%s", whole ? "mode: audit\n" : "", rules);
        struct policy *policy = good_policy(state, all);
        for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++) {
            const struct policy_facts facts = {.name = watched[i].name,
                                               .requested_store = "file",
                                               .size_known = true,
                                               .size = 2048};
            struct policy_decision decision;
            policy_decide(policy, &facts, &decision);
            assert_int_equal(decision.verdict, watched[i].verdict);
            assert_int_equal(decision.replaced, watched[i].replaced);
            assert_int_equal(decision.audit, whole || watched[i].watched);
        }
        policy_free(policy);
    }
}

/* The size that an upload of unknown length may reach before another rule would apply. */
static void an_unknown_size_has_a_ceiling(void **state)
{
    struct policy *policy =
        good_policy(state, "rules:\n"
                           "  - {name: a, when: {larger_than: 3KiB}, store: s}\n"
                           "  - {name: b, when: {larger_than: 2KiB, name: b}, store: s}\n"
                           "  - {name: c, when: {name: c}, store: s}\n"
                           "  - {name: d, when: {larger_than: 1KiB}, deny: no}\n"
                           "default: {store: s}\n");
    static const struct {
        const char *name;
        const char *rule;
        uint64_t ceiling;
    } ceilings[] = {{"x", "default", 1024}, {"b", "default", 1024}, {"c", "c", 3072}};
    for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++) {
        struct policy_decision decision;
        policy_decide(policy, &(struct policy_facts){.name = ceilings[i].name}, &decision);
        assert_string_equal(decision.rule, ceilings[i].rule);
        assert_int_equal(decision.size_ceiling, ceilings[i].ceiling);
    }
    policy_free(policy);
}

/* Where a size still unknown could change the checks, that is reported. */
static void check_levels_come_from_the_rule(void **state)
{
    struct policy *policy =
        good_policy(state, "rules:\n"
                           "  - {name: a, when: {larger_than: 3KiB, name: b}, store: s}\n"
                           "  - {name: b, when: {name: b}, store: s, checks: {empty: allow}}\n"
                           "  - {name: c, when: {name: c}, store: s, checks: {format: off}}\n"
                           "  - {name: d, when: {larger_than: 1KiB}, store: s,\n"
                           "     checks: {damaged: warn}}\n"
                           "default: {store: s, checks: {truncated: warn}}\n");
    static const struct {
        const char *name;
        uint64_t size; /* 0: not known */
        bool set[POLICY_CHECK_COUNT];
        bool by_size;
    } looks[] = {
        {"b", 0, {false}, false}, /* emptiness is no matter of size */
        {"b", 4096, {false}, false},
        {"c", 0, {[POLICY_CHECK_FORMAT] = true}, false},
        {"x", 0, {[POLICY_CHECK_TRUNCATED] = true}, true},
        {"x", 1024, {[POLICY_CHECK_TRUNCATED] = true}, false},
        {"x", 1025, {[POLICY_CHECK_DAMAGED] = true}, false},
    };
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        const struct policy_facts facts = {
            .name = looks[i].name, .size_known = looks[i].size > 0, .size = looks[i].size};
        struct policy_decision decision;
        policy_decide(policy, &facts, &decision);
        assert_memory_equal(decision.checks.set, looks[i].set, sizeof looks[i].set);
        assert_int_equal(decision.checks_by_size, looks[i].by_size);
    }
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(rule_and_requested_store_make_the_decision),
        TEST(a_refusal_has_its_particulars),
        TEST(audited_decision_is_made_as_usual),
        TEST(an_unknown_size_has_a_ceiling),
        TEST(check_levels_come_from_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
