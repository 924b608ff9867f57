/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/policies.h"

#define LAST "default: {store: test}\n"

static void every_key_finds_its_place(void **state)
{
    struct policy *policy = good_policy(state, "rules:\n"
                                               "  - name: all\n"
                                               "    when:\n"
                                               "      disk_format: [vhd, vhdx]\n"
                                               "      container_format: bare\n"
                                               "      project: [p]\n"
                                               "      name: ['win-*']\n"
                                               "      visibility: [public]\n"
                                               "      larger_than: 10GiB\n"
                                               "      client: [10.0.0.0/8, '::1']\n"
                                               "      user_agent: ['*x*']\n"
                                               "    store: file\n"
                                               "    mode: default\n"
                                               "    allow: [file, test]\n"
                                               "    max_size: 50GiB\n"
                                               "    max_virtual_size: 2TiB\n"
                                               "  - name: no\n"
                                               "    when: {import_method: [web-download, mine]}\n"
                                               "    deny: never\n"
                                               "default:\n"
                                               "  store: test\n"
                                               "  mode: force\n");
    assert_int_equal(policy->count, 3);
    assert_int_equal(policy_rule_count(policy), 2);
    const struct rule *all = &policy->rules[0];
    assert_string_equal(all->name, "all");
    assert_int_equal(all->line, 2);
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        assert_int_equal(all->set[i], i != CONDITION_IMPORT_METHOD);
    assert_int_equal(all->values[CONDITION_DISK_FORMAT].count, 2);
    assert_string_equal(all->values[CONDITION_DISK_FORMAT].items[1], "vhdx");
    assert_string_equal(all->values[CONDITION_CONTAINER_FORMAT].items[0], "bare");
    assert_string_equal(all->values[CONDITION_PROJECT].items[0], "p");
    assert_string_equal(all->values[CONDITION_NAME].items[0], "win-*");
    assert_string_equal(all->values[CONDITION_VISIBILITY].items[0], "public");
    assert_string_equal(all->values[CONDITION_USER_AGENT].items[0], "*x*");
    assert_int_equal(all->larger_than, UINT64_C(10) << 30);
    assert_int_equal(all->clients.count, 2);
    assert_string_equal(all->store, "file");
    assert_int_equal(all->mode, MODE_DEFAULT);
    assert_string_equal(all->allow_text, "file, test");
    assert_int_equal(all->max_size, UINT64_C(50) << 30);
    assert_int_equal(all->max_virtual_size, UINT64_C(2) << 40);
    const struct rule *no = &policy->rules[1];
    assert_string_equal(no->values[CONDITION_IMPORT_METHOD].items[1], "mine");
    assert_string_equal(no->deny, "never");
    const struct rule *last = &policy->rules[2];
    assert_string_equal(last->name, "default");
    assert_int_equal(last->mode, MODE_FORCE);
    assert_true(last->max_size == UINT64_MAX);
    assert_true(last->max_virtual_size == UINT64_MAX);
    policy_free(policy);
}

static void rules_may_be_omitted(void **state)
{
    static const char *const strings[] = {LAST, "rules: []\n" LAST, "rules:\n" LAST,
                                          "default: {deny: closed}\n"};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct policy *policy = good_policy(state, strings[i]);
        assert_int_equal(policy_rule_count(policy), 0);
        policy_free(policy);
    }
}

static void omitted_mode_is_default(void **state)
{
    struct policy *policy = good_policy(state, LAST);
    assert_int_equal(policy->rules[0].mode, MODE_DEFAULT);
    policy_free(policy);
}

/* An audited rule has its usual mode: `choose` where there is a choice. */
static void audited_rule_is_read_as_its_mode(void **state)
{
    static const struct {
        const char *text;
        bool all;
        bool rule;
        enum store_mode mode;
    } rows[] = {
        {LAST, false, false, MODE_DEFAULT},
        {"mode: enforce\n" LAST, false, false, MODE_DEFAULT},
        {"mode: audit\n" LAST, true, false, MODE_DEFAULT},
        {LAST "mode: audit\n", true, false, MODE_DEFAULT},
        {"mode: audit\ndefault: {store: a, mode: force}\n", true, false, MODE_FORCE},
        {"default: {store: a, mode: audit}\n", false, true, MODE_FORCE},
        {"default: {mode: audit, store: a, allow: [a]}\n", false, true, MODE_DEFAULT},
        {"default: {allow: [a], store: a, mode: audit}\n", false, true, MODE_DEFAULT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy *policy = good_policy(state, rows[i].text);
        const struct rule *rule = policy->rules;
        if (policy->audit != rows[i].all || (rule->enforcement == AUDITED) != rows[i].rule ||
            rule->mode != rows[i].mode)
            fail_msg("row %zu", i);
        policy_free(policy);
    }
}

/* Each has one mistake. */
static void mistakes_are_reported_with_their_line(void **state)
{
    static const char *const rows[][2] = {
        {"", ": default is missing: it decides about uploads that match no rule"},
        {"rules: []\n", ": default is missing: it decides about uploads that match no rule"},
        {LAST "rules: []\n", ":2: rules must come before default"},
        {"rules: {}\n" LAST, ":1: rules must be a list"},
        {"rules: [hello]\n" LAST, ":1: a rule must be keys and values"},
        {"ruls: []\n" LAST, ":1: the policy has no 'ruls': did you mean rules?"},
        {"storage: {}\n" LAST, ":1: the policy has no 'storage'"},
        {LAST "default: {store: x}\n", ":2: the policy has 'default' already"},
        {"default: {store: test, when: {}}\n", ":1: default has no 'when'"},
        {"default: {store: test, name: x}\n", ":1: default has no 'name'"},
        {"default: {store: test, mode: froce}\n",
         ":1: mode 'froce' is not default, force or audit: did you mean force?"},
        {"mode: force\n" LAST, ":1: mode 'force' is not enforce or audit: did you mean enforce?"},
        {"mode: [audit]\n" LAST, ":1: mode must be a single text"},
        {"default: {store: test, max_size: 5GB}\n",
         ":1: max_size '5GB' is not a size: a whole number and B, KiB, MiB, GiB or TiB, such as "
         "10GiB"},
        {"default: {store: test, max_size: 0}\n",
         ":1: max_size 0 would accept nothing; to refuse, use deny"},
        {"default: {store: test, max_virtual_size: 0B}\n",
         ":1: max_virtual_size 0 would accept nothing; to refuse, use deny"},
        {"default: {store: test, max_virtual_sise: 1GiB}\n",
         ":1: default has no 'max_virtual_sise': did you mean max_virtual_size?"},
        {"default: {store: a b}\n",
         ":1: store 'a b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"},
        {"default: {store: os_glance_tasks_store}\n",
         ":1: store 'os_glance_tasks_store' is Glance's own: images do not belong there"},
        {"default:\n  store: a\n  allow: [a, os_glance_staging_store]\n",
         ":3: store 'os_glance_staging_store' is Glance's own: images do not belong there"},
        {"default: {store: a, allow: [a, a]}\n", ":1: 'a' is in the list already"},
        {"rules:\n- name: \"a\\u00e4\"\n  store: x\n" LAST,
         ":2: the rule's name 'a\xc3\xa4' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"},
        {"rules:\n- name: a\n  when: {disk_fromat: x}\n  store: x\n" LAST,
         ":3: when has no 'disk_fromat': did you mean disk_format?"},
        {"rules:\n- name: a\n  when: {visibility: [public, privat]}\n  store: x\n" LAST,
         ":3: visibility 'privat' is not public, community, shared or private: did you mean "
         "private?"},
        {"rules:\n- name: a\n  when: {client: [10.0.0.0/33]}\n  store: x\n" LAST,
         ":3: client '10.0.0.0/33' is not a network, such as 10.0.0.0/8 or 2001:db8::/32"},
        {"rules:\n- name: a\n  when: {import_method: [web-download, WEB]}\n  store: x\n" LAST,
         ":3: import method 'WEB' must be 1 to 64 of a-z, 0-9 and '-'"},
        {"rules:\n- name: a\n  when: {larger_than: [1]}\n  store: x\n" LAST,
         ":3: larger_than must be a single text"},
        {"rules:\n- name: a\n  when: {name: []}\n  store: x\n" LAST, ":3: name is an empty list"},
        {"rules:\n- name: a\n  when: []\n  store: x\n" LAST, ":3: when must be keys and values"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, rows[i][0], (const char *[]){rows[i][1], NULL});
}

static void all_mistakes_are_reported(void **state)
{
    bad_policy(state,
               "rules:\n"
               "  - name: one\n"
               "    when: {larger_than: [1], disc_format: x}\n"
               "    store: a b\n"
               "  - 7\n"
               "default: {store: test, colour: red}\n",
               (const char *[]){
                   ":3: larger_than must be a single text",
                   ":3: when has no 'disc_format': did you mean disk_format?",
                   ":4: store 'a b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'",
                   ":5: a rule must be keys and values", ":6: default has no 'colour'", NULL});
}

static void the_sample_is_good(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    struct policy *policy = policy_load(INTAKE_SOURCE_DIR "/config/policy.yaml", &diagnostics);
    assert_int_equal(diagnostics.count, 0);
    assert_int_equal(policy_rule_count(policy), 0);
    assert_string_equal(policy->rules[0].store, "test");
    assert_int_equal(policy->rules[0].mode, MODE_FORCE);
    policy_free(policy);
}

/* From "# rules:" on, every line of the sample's example without its "# ". */
static void read_example(void **state, char *out, size_t size)
{
    static const char keys[] = "/etc/glance-intake/test.";
    char line[256];
    bool inside = false;
    size_t length = 0;
    FILE *file = fopen(INTAKE_SOURCE_DIR "/config/policy.yaml", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        inside = inside || strcmp(line, "# rules:\n") == 0;
        bool comment = line[0] == '#';
        char *key = strstr(line, keys);
        if (key)
            sprintf(key, "%s\n", scratch_file(state, "key", "sesame"));
        if (strncmp(line, "rules:", 6) != 0 && (inside || !comment))
            length += (size_t)snprintf(out + length, size - length, "%s",
                                       comment ? line + 1 + (line[1] == ' ') : line);
        assert_true(length < size);
    }
    fclose(file);
}

static void sample_example_is_good_and_complete(void **state)
{
    char text[8192];
    read_example(state, text, sizeof text);
    struct policy *policy = good_policy(state, text);
    assert_int_equal(policy_rule_count(policy), 3);
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        assert_true(policy->rules[0].set[i] || policy->rules[2].set[i]);
    assert_non_null(policy->rules[1].deny);
    assert_int_equal(policy->rules[2].enforcement, AUDITED);
    assert_int_equal(policy_audits(policy), POLICY_AUDITS_SOME);
    assert_int_equal(policy->ingest.import_methods.count, 2);
    assert_int_equal(policy->ingest.exempt.count, 2);
    assert_false(policy_ingest_open(policy, POLICY_INGEST_LOCATIONS, "192.0.2.1"));
    assert_true(policy_ingest_open(policy, POLICY_INGEST_LOCATIONS, "10.0.0.11"));
    const struct policy_store *store = policy_store(policy, "test");
    assert_non_null(store);
    assert_string_equal(store->s3.region, "default");
    assert_int_equal(store->capacity, UINT64_C(10) << 40);
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(every_key_finds_its_place),
        TEST(rules_may_be_omitted),
        TEST(omitted_mode_is_default),
        TEST(audited_rule_is_read_as_its_mode),
        TEST(mistakes_are_reported_with_their_line),
        TEST(all_mistakes_are_reported),
        TEST(the_sample_is_good),
        TEST(sample_example_is_good_and_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
