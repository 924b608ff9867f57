/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/policies.h"

/* A rule is chosen by the image's name, which is its own. */
static const char text[] =
    "rules:\n"
    "  - {name: force, when: {name: force}, store: test, mode: force}\n"
    "  - {name: choose, when: {name: choose}, store: file, allow: [file, test]}\n"
    "  - {name: any, when: {name: any}, store: file}\n"
    "  - {name: deny, when: {name: deny}, deny: not here}\n"
    "  - {name: watch, when: {name: watch}, store: test, mode: audit}\n"
    "default: {store: test, mode: force}\n";

#define DIRECT "glance-direct"
#define COPY   "copy-image"
#define ALL    (-1) /* of the number of stores: `all_stores` instead of a list */
#define NONE   (-2) /* neither */
#define BOTH   (-3) /* `all_stores` with an empty list */

static const char *const file_test[] = {"file", "test"};
static const char *const test_file[] = {"test", "file"};
static const char *const file_rbd[] = {"file", "rbd"};
static const char *const test_test[] = {"test", "test"};
static const char *const own[] = {"file", "os_glance_tasks_store"};

/* `count`, `stores`: of the body. `known`: how many of `there` Glance has; 0: not known. */
static const struct row {
    const char *rule;
    const char *method;
    const char *header;
    int count;
    const char *const *stores;
    size_t known;
    const char *const *glance_stores;
    enum policy_verdict verdict;
    enum import_change change;
    const char *store; /* with STORE_NOT_ALLOWED: the one refused */
    bool replaced;
} rows[] = {
#define ACCEPT POLICY_ACCEPT
#define REFUSE POLICY_STORE_NOT_ALLOWED, IMPORT_KEEP
    /* force: none asked for */
    {"force", DIRECT, NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "test", false},
    {"force", DIRECT, NULL, 0, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", false},
    {"force", COPY, NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "test", false},
    {"force", COPY, NULL, 0, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", false},
    /* force: its own */
    {"force", DIRECT, "test", NONE, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"force", DIRECT, NULL, 1, test_file, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"force", DIRECT, NULL, 2, test_test, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"force", COPY, "test", NONE, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"force", COPY, NULL, 1, test_file, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    /* force: all that there were when Glance was asked, and by now there may be another */
    {"force", DIRECT, NULL, ALL, NULL, 1, test_file, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", COPY, NULL, ALL, NULL, 1, test_file, ACCEPT, IMPORT_SET_BODY, "test", true},
    /* force: another */
    {"force", DIRECT, "file", NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "test", true},
    {"force", DIRECT, "test,file", NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "test", true},
    {"force", DIRECT, "file", 0, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, "file", 1, test_file, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, "file", ALL, NULL, 1, test_file, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, 1, file_test, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, 2, test_file, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, 2, own, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, ALL, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, ALL, NULL, 2, test_file, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", DIRECT, NULL, BOTH, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "test", true},
    {"force", COPY, "file", NONE, NULL, 0, NULL, REFUSE, "file", false},
    {"force", COPY, NULL, 2, test_file, 0, NULL, REFUSE, "file", false},
    {"force", COPY, NULL, ALL, NULL, 0, NULL, REFUSE, "all stores", false},
    {"force", COPY, NULL, ALL, NULL, 2, test_file, REFUSE, "all stores", false},
    /* a list of allowed ones: none asked for */
    {"choose", DIRECT, NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "file", false},
    {"choose", "web-download", NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "file", false},
    {"choose", COPY, NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "file", false},
    {"choose", DIRECT, NULL, 0, NULL, 0, NULL, ACCEPT, IMPORT_SET_BODY, "file", false},
    /* allowed */
    {"choose", DIRECT, "test", NONE, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"choose", DIRECT, "test", 0, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"choose", DIRECT, NULL, 1, test_file, 0, NULL, ACCEPT, IMPORT_KEEP, "test", false},
    {"choose", DIRECT, NULL, 2, file_test, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"choose", COPY, NULL, 2, test_file, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"choose", DIRECT, "file", 1, test_file, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"choose", DIRECT, NULL, ALL, NULL, 2, test_file, ACCEPT, IMPORT_KEEP, NULL, false},
    {"choose", DIRECT, NULL, ALL, NULL, 1, test_file, ACCEPT, IMPORT_KEEP, "test", false},
    /* not allowed */
    {"choose", DIRECT, "rbd", NONE, NULL, 0, NULL, REFUSE, "rbd", false},
    {"choose", DIRECT, "test,file", NONE, NULL, 0, NULL, REFUSE, "test,file", false},
    {"choose", DIRECT, "rbd", 1, test_file, 0, NULL, REFUSE, "rbd", false},
    {"choose", DIRECT, "rbd", ALL, NULL, 1, test_file, REFUSE, "rbd", false},
    {"choose", DIRECT, NULL, 2, file_rbd, 0, NULL, REFUSE, "rbd", false},
    {"choose", DIRECT, "file", 2, file_rbd, 0, NULL, REFUSE, "rbd", false},
    {"choose", COPY, NULL, 2, file_rbd, 0, NULL, REFUSE, "rbd", false},
    {"choose", DIRECT, NULL, ALL, NULL, 2, file_rbd, REFUSE, "all stores", false},
    {"choose", DIRECT, NULL, ALL, NULL, 0, NULL, REFUSE, "all stores", false},
    {"choose", DIRECT, NULL, BOTH, NULL, 0, NULL, REFUSE, "all stores", false},
    /* any store */
    {"any", DIRECT, NULL, NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "file", false},
    {"any", DIRECT, "rbd", NONE, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, "rbd", false},
    {"any", DIRECT, NULL, 2, file_rbd, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"any", DIRECT, NULL, ALL, NULL, 0, NULL, ACCEPT, IMPORT_KEEP, NULL, false},
    {"any", DIRECT, NULL, ALL, NULL, 2, file_rbd, ACCEPT, IMPORT_KEEP, NULL, false},
    {"any", DIRECT, NULL, 2, own, 0, NULL, REFUSE, "os_glance_tasks_store", false},
    {"any", DIRECT, "os_glance_tasks_store", NONE, NULL, 0, NULL, REFUSE, "os_glance_tasks_store",
     false},
    /* audited: judged as force, since it allows none */
    {"watch", DIRECT, "file", NONE, NULL, 0, NULL, ACCEPT, IMPORT_SET_HEADER, "test", true},
    {"watch", COPY, "file", NONE, NULL, 0, NULL, REFUSE, "file", false},
    /* denied */
    {"deny", DIRECT, NULL, NONE, NULL, 0, NULL, POLICY_DENY, IMPORT_KEEP, NULL, false},
    {"deny", COPY, "test", NONE, NULL, 0, NULL, POLICY_DENY, IMPORT_KEEP, NULL, false},
};

static struct import_stores_requested wish_of(const struct row *row)
{
    return (struct import_stores_requested){
        .header = row->header,
        .listed = row->count >= 0 || row->count == BOTH,
        .stores = row->stores,
        .store_count = row->count > 0 ? (size_t)row->count : 0,
        .all = row->count == ALL || row->count == BOTH,
        .glance_stores = row->glance_stores,
        .glance_store_count = row->known,
    };
}

static void assert_same(size_t row, const char *is, const char *values)
{
    if ((is == NULL) != (values == NULL) || (is && strcmp(is, values) != 0))
        fail_msg("row %zu: %s, not %s", row, is ? is : "nothing", values ? values : "nothing");
}

static void requested_stores_are_kept_changed_or_refused(void **state)
{
    struct policy *policy = good_policy(state, text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const struct policy_facts facts = {.name = row->rule, .import_method = row->method};
        const struct import_stores_requested requested = wish_of(row);
        struct import_decision decision;
        policy_decide_import(policy, &facts, &requested, &decision);
        const struct policy_decision *decided = &decision.policy;
        bool refused = row->verdict == POLICY_STORE_NOT_ALLOWED;
        if (decided->verdict != row->verdict || decision.change != row->change ||
            decided->replaced != row->replaced)
            fail_msg("row %zu: verdict %d, change %d, replaced %d", i, (int)decided->verdict,
                     (int)decision.change, decided->replaced);
        assert_same(i, decided->rule, row->rule);
        assert_same(i, decided->store, refused ? NULL : row->store);
        assert_same(i, decision.refused, refused ? row->store : NULL);
        assert_int_equal(decided->audit, strcmp(row->rule, "watch") == 0);
    }
    policy_free(policy);
}

static void refusal_names_the_allowed_stores(void **state)
{
    static const struct {
        const char *rule;
        const char *allowed;
    } allowed[] = {{"force", "test"}, {"choose", "file, test"}, {"any", NULL}};
    const struct import_stores_requested requested = {.header = "os_glance_tasks_store"};
    struct policy *policy = good_policy(state, text);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        struct import_decision decision;
        policy_decide_import(policy,
                             &(struct policy_facts){.name = allowed[i].rule, .import_method = COPY},
                             &requested, &decision);
        assert_int_equal(decision.policy.verdict, POLICY_STORE_NOT_ALLOWED);
        assert_same(i, decision.policy.allowed, allowed[i].allowed);
    }
    struct import_decision denied;
    policy_decide_import(policy, &(struct policy_facts){.name = "deny", .import_method = DIRECT},
                         &(struct import_stores_requested){0}, &denied);
    assert_string_equal(denied.policy.why, "not here");
    policy_free(policy);
}

/* The size of what Glance will fetch is unknown, so no size limit applies. */
static void size_limit_applies_where_glance_has_the_data(void **state)
{
    static const char rules[] = "rules: [{name: big, when: {larger_than: 1KiB}, store: file}]\n"
                                "default: {store: test, max_size: 512B, max_virtual_size: 512B}\n";
    static const struct {
        const char *method;
        bool known;
        uint64_t size;
        const char *rule, *header;
        enum policy_verdict verdict;
    } asked[] = {
        {DIRECT, true, 512, "default", NULL, POLICY_ACCEPT},
        {DIRECT, true, 513, "default", NULL, POLICY_TOO_LARGE},
        {DIRECT, true, 513, "default", "os_glance_tasks_store", POLICY_STORE_NOT_ALLOWED},
        {DIRECT, true, 1025, "big", NULL, POLICY_ACCEPT},
        {DIRECT, false, 1025, "default", NULL, POLICY_ACCEPT},
        {COPY, true, 513, "default", NULL, POLICY_TOO_LARGE},
        {COPY, true, 1025, "big", NULL, POLICY_ACCEPT},
        {"web-download", true, 1025, "default", NULL, POLICY_ACCEPT},
        {"glance-download", true, 513, "default", NULL, POLICY_ACCEPT},
        {NULL, true, 1025, "default", NULL, POLICY_ACCEPT},
    };
    struct policy *policy = good_policy(state, rules);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        const struct policy_facts facts = {
            .size_known = asked[i].known, .size = asked[i].size, .import_method = asked[i].method};
        const struct import_stores_requested requested = {.header = asked[i].header};
        struct import_decision decision;
        policy_decide_import(policy, &facts, &requested, &decision);
        const struct policy_decision *decided = &decision.policy;
        assert_same(i, decided->rule, asked[i].rule);
        if (decided->verdict != asked[i].verdict)
            fail_msg("row %zu: verdict %d", i, (int)decided->verdict);
        bool bound = policy_import_has_data(asked[i].method) && strcmp(decided->rule, "big") != 0;
        assert_true(decided->max_size == (bound ? 512 : UINT64_MAX));
        assert_true(decided->max_virtual_size == UINT64_MAX);
        assert_true(decided->size_ceiling == UINT64_MAX);
    }
    policy_free(policy);
}

static enum policy_verdict by_method(const struct policy *policy, const char *name,
                                     const char *method, const char *client, bool *audit)
{
    const struct policy_facts facts = {.name = name, .import_method = method, .client = client};
    struct import_decision decision;
    policy_decide_import(policy, &facts, &(struct import_stores_requested){0}, &decision);
    *audit = decision.policy.audit;
    assert_non_null(decision.policy.rule);
    assert_true(decision.policy.verdict != POLICY_METHOD_DENIED || !decision.policy.store);
    return decision.policy.verdict;
}

/* Actions do not belong to a rule: a rule in audit mode does not open them, but a policy in audit
 * mode does. */
static void unlisted_method_is_denied(void **state)
{
    static const char rules[] = "rules:\n"
                                "- {name: watch, when: {name: watch}, store: s, mode: audit}\n"
                                "- {name: deny, when: {name: deny}, deny: no}\n"
                                "default: {store: s}\n"
                                "doors: {import_methods: [glance-direct], exempt: 10.0.0.11}\n";
    static const struct {
        const char *name, *method, *client;
        enum policy_verdict verdict;
    } asked[] = {
        {"x", DIRECT, "192.0.2.1", POLICY_ACCEPT},
        {"x", "web-download", "192.0.2.1", POLICY_METHOD_DENIED},
        {"x", "web-download", NULL, POLICY_METHOD_DENIED},
        {"x", "Glance-Direct", "192.0.2.1", POLICY_METHOD_DENIED},
        {"x", NULL, "192.0.2.1", POLICY_METHOD_DENIED},
        {"x", "web-download", "10.0.0.11", POLICY_ACCEPT},
        {"watch", "web-download", "192.0.2.1", POLICY_METHOD_DENIED},
        {"deny", "web-download", "192.0.2.1", POLICY_METHOD_DENIED},
        {"deny", "web-download", "10.0.0.11", POLICY_DENY},
        {"deny", DIRECT, "192.0.2.1", POLICY_DENY},
    };
    for (int whole = 0; whole < 2; whole++) {
        char all[512];
        snprintf(all, sizeof all, "%s%s", whole ? "mode: audit\n" : "", rules);
        struct policy *policy = good_policy(state, all);
        for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
            bool audit;
            if (by_method(policy, asked[i].name, asked[i].method, asked[i].client, &audit) !=
                asked[i].verdict)
                fail_msg("row %zu", i);
            assert_int_equal(audit, whole);
        }
        policy_free(policy);
    }
}

static void a_rule_may_be_for_one_method(void **state)
{
    struct policy *policy =
        good_policy(state, "rules:\n"
                           "- {name: web, when: {import_method: [web-download]}, deny: no}\n"
                           "default: {store: s}\n");
    bool audit;
    assert_int_equal(by_method(policy, "x", "web-download", NULL, &audit), POLICY_DENY);
    assert_int_equal(by_method(policy, "x", DIRECT, NULL, &audit), POLICY_ACCEPT);
    struct policy_decision upload;
    policy_decide(policy, &(struct policy_facts){0}, &upload);
    assert_int_equal(upload.verdict, POLICY_ACCEPT);
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(requested_stores_are_kept_changed_or_refused),
        TEST(refusal_names_the_allowed_stores),
        TEST(size_limit_applies_where_glance_has_the_data),
        TEST(unlisted_method_is_denied),
        TEST(a_rule_may_be_for_one_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
