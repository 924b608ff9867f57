/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/policies.h"

#define LAST "default: {store: test}\n"

static void locations_and_tasks_are_closed_unless_opened(void **state)
{
    static const struct {
        const char *ingest;
        const char *client;
        bool locations;
        bool tasks;
    } rows[] = {
        {"", "10.0.0.1", false, false},
        {"doors:\n", "10.0.0.1", false, false},
        {"doors: {}\n", NULL, false, false},
        {"doors: {locations: closed, tasks: closed}\n", "10.0.0.1", false, false},
        {"doors: {locations: open}\n", "10.0.0.1", true, false},
        {"doors: {tasks: open}\n", NULL, false, true},
        {"doors: {exempt: 10.0.0.11}\n", "10.0.0.11", true, true},
        {"doors: {exempt: 10.0.0.11}\n", "::ffff:10.0.0.11", true, true},
        {"doors: {exempt: 10.0.0.11}\n", "10.0.0.12", false, false},
        {"doors: {exempt: [10.0.0.11, 10.1.0.0/28]}\n", "10.1.0.15", true, true},
        {"doors: {exempt: [10.0.0.11, 10.1.0.0/28]}\n", "10.1.0.16", false, false},
        {"doors: {exempt: ['2001:db8::/32']}\n", "2001:db8::7", true, true},
        {"doors: {exempt: [0.0.0.0/0]}\n", NULL, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", LAST, rows[i].ingest);
        struct policy *policy = good_policy(state, text);
        if (policy_ingest_open(policy, POLICY_INGEST_LOCATIONS, rows[i].client) !=
                rows[i].locations ||
            policy_ingest_open(policy, POLICY_INGEST_TASKS, rows[i].client) != rows[i].tasks)
            fail_msg("row %zu", i);
        policy_free(policy);
    }
}

static void omitted_import_methods_allow_all(void **state)
{
    static const struct {
        const char *methods;
        const char *method;
        bool taken;
    } rows[] = {
        {"", "web-download", true},
        {"import_methods: [glance-direct, copy-image]", "glance-direct", true},
        {"import_methods: [glance-direct, copy-image]", "copy-image", true},
        {"import_methods: [glance-direct, copy-image]", "web-download", false},
        {"import_methods: glance-direct", "glance-direct", true},
        {"import_methods: glance-direct", "glance", false},
        {"import_methods: [my-plugin-2]", "my-plugin-2", true},
        {"import_methods: []", "glance-direct", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, LAST "doors: {%s}\n", rows[i].methods);
        struct policy *policy = good_policy(state, text);
        if (ingest_takes_method(&policy->ingest, rows[i].method, "10.0.0.1") != rows[i].taken)
            fail_msg("row %zu", i);
        policy_free(policy);
    }
}

static void mistakes_are_reported_with_their_line(void **state)
{
    static const char *const rows[][2] = {
        {LAST "doors: []\n", ":2: doors must be keys and values"},
        {LAST "doors: {location: open}\n", ":2: doors has no 'location': did you mean locations?"},
        {LAST "doors:\n  locations: opne\n",
         ":3: locations 'opne' is not closed or open: did you mean open?"},
        {LAST "doors:\n  tasks: true\n", ":3: tasks 'true' is not closed or open"},
        {LAST "doors:\n  tasks: [open]\n", ":3: tasks must be a single text"},
        {LAST "doors:\n  exempt: [10.0.0.11, nova]\n",
         ":3: exempt 'nova' is not a network, such as 10.0.0.0/8 or 2001:db8::/32"},
        {LAST "doors:\n  exempt: []\n", ":3: exempt is an empty list"},
        {LAST "doors:\n  import_methods:\n", ":3: import_methods is empty"},
        {LAST "doors:\n  import_methods: {}\n", ":3: import_methods must be a single text"},
        {LAST "doors:\n  import_methods:\n    - copy-image\n    - web_download\n",
         ":5: import method 'web_download' must be 1 to 64 of a-z, 0-9 and '-'"},
        {LAST "doors: {import_methods: [a, a]}\n", ":2: 'a' is in the list already"},
        {LAST "doors: {}\ndoors: {}\n", ":3: the policy has 'doors' already"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, rows[i][0], (const char *[]){rows[i][1], NULL});
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(locations_and_tasks_are_closed_unless_opened),
        TEST(omitted_import_methods_allow_all),
        TEST(mistakes_are_reported_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
