/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

#define LAST "default: {store: test}\n"
#define WITH_DENY                                                                                  \
    "with deny there is nothing for store, allow, max_size, max_virtual_size, checks, limits "     \
    "or any mode but audit to do"
#define WITH_METHOD                                                                                \
    "the size of an import is not known: with import_method there is nothing for larger_than, "    \
    "max_size or max_virtual_size to do"

static void rule_with_conflicting_keys_is_wrong(void **state)
{
    static const char *const rows[][2] = {
        {"rules:\n- store: x\n" LAST, ":2: this rule: needs a name"},
        {"rules:\n- name: a\n" LAST, ":2: a: needs a store, or deny with a reason"},
        {"default: {mode: force}\n", ":1: default: needs a store, or deny with a reason"},
        {"rules:\n- {name: a, deny: no, store: x}\n" LAST, ":2: a: " WITH_DENY},
        {"default: {deny: no, mode: default}\n", ":1: default: " WITH_DENY},
        {"default: {deny: no, allow: [x]}\n", ":1: default: " WITH_DENY},
        {"default: {deny: no, max_size: 1GiB}\n", ":1: default: " WITH_DENY},
        {"default: {deny: no, max_virtual_size: 1GiB}\n", ":1: default: " WITH_DENY},
        {"default: {store: a, mode: force, allow: [a]}\n",
         ":1: default: mode force leaves nothing to choose, so allow cannot be there"},
        {"default: {store: a, allow: [b]}\n", ":1: default: its own store is not in allow"},
        {"rules:\n- {name: a, when: {larger_than: 1GiB}, store: a, max_size: 1GiB}\n" LAST,
         ":2: a: max_size is not above larger_than: nothing could pass"},
        {"rules:\n- {name: a, when: {import_method: x, larger_than: 1GiB}, store: a}\n" LAST,
         ":2: a: " WITH_METHOD},
        {"rules:\n- {name: a, when: {import_method: x}, store: a, max_size: 1GiB}\n" LAST,
         ":2: a: " WITH_METHOD},
        {"rules:\n- {name: a, when: {import_method: x}, store: a, max_virtual_size: 1GiB}\n" LAST,
         ":2: a: " WITH_METHOD},
        {"default: {deny: no, checks: {format: off}}\n", ":1: default: " WITH_DENY},
        {"rules:\n- {name: a, when: {import_method: x}, store: a, checks: {empty: allow}}\n" LAST,
         ":2: a: only uploads are checked and limited: with import_method there is nothing for "
         "checks or limits to do"},
        {"default: {store: a, mode: audit, allow: [b]}\n",
         ":1: default: its own store is not in allow"},
        {"rules:\n- {name: a, deny: no}\n- {name: a, deny: no}\n" LAST,
         ":3: the name 'a' is taken by the rule on line 2"},
        {"rules:\n- {name: default, deny: no}\n" LAST,
         ":3: the name 'default' is taken by the rule on line 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, rows[i][0], (const char *[]){rows[i][1], NULL});
}

static void good_rules_pass(void **state)
{
    static const char *const strings[] = {
        "rules: [{name: a, store: x}, {name: A, store: x}]\ndefault: {store: test}\n",
        "default: {store: a, allow: [b, a]}\n",
        "default: {store: a, mode: force, max_size: 1B}\n",
        "default: {store: a, mode: force, checks: {format: warn}}\n",
        "default: {store: a, max_size: 2GiB, max_virtual_size: 1GiB}\n",
        "default: {deny: no, mode: audit}\n",
        "default: {store: a, mode: audit, allow: [a, b]}\n",
        "rules: [{name: a, when: {import_method: x}, deny: no}]\ndefault: {store: test}\n",
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        policy_free(good_policy(state, strings[i]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(rule_with_conflicting_keys_is_wrong),
        TEST(good_rules_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
