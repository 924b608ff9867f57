/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

#define LAST "default: {store: test}\n"
#define ID   "b7cbab6af14d434db767bc0a87e46369"

/* `warning` NULL: there is none. */
static const struct {
    const char *text, *warning;
} rows[] = {
    {LAST, NULL},
    {"rules:\n- {name: a, when: {disk_format: [qcw2, raw]}, store: x}\n" LAST,
     "p:2: warning: a: disk_format 'qcw2' is none that Glance has by itself: did you mean qcow2?"},
    {"rules:\n- {name: a, when: {disk_format: zfs-stream}, store: x}\n" LAST,
     "p:2: warning: a: disk_format 'zfs-stream' is none that Glance has by itself"},
    {"rules:\n- {name: a, when: {container_format: bear}, store: x}\n" LAST,
     "p:2: warning: a: container_format 'bear' is none that Glance has by itself: did you mean "
     "bare?"},
    {"rules:\n- {name: a, when: {import_method: web-donwload}, deny: no}\n" LAST,
     "p:2: warning: a: import_method 'web-donwload' is none that Glance has by itself: did you "
     "mean web-download?"},
    {"doors: {import_methods: [copy-imagge]}\n" LAST,
     "p: warning: doors: import method 'copy-imagge' is none that Glance has by itself: did you "
     "mean copy-image?"},
    {"rules:\n- {name: a, when: {project: demo}, store: x}\n" LAST,
     "p:2: warning: a: project 'demo' is not an id: an image's owner is told by its id, never by "
     "its name"},
    {"rules:\n- {name: a, when: {project: [" ID ", b7cbab6a-f14d-434d-b767-bc0a87e46369]},\n"
     "   store: x}\n" LAST,
     NULL},
    {"rules:\n- {name: a, store: x}\n- {name: b, when: {name: b}, store: x}\n" LAST,
     "p:3: warning: b never applies: a on line 2 has no condition"},
    {"rules:\n- {name: b, when: {name: b}, store: x}\n- {name: a, store: x}\n" LAST, NULL},
};

static void unlikely_intent_is_warned_of(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diagnostics warnings = {0};
        struct policy *policy = good_policy(state, rows[i].text);
        policy_warn(policy, "p", &warnings);
        assert_int_equal(warnings.count, rows[i].warning != NULL);
        if (rows[i].warning)
            assert_string_equal(warnings.lines[0], rows[i].warning);
        diagnostics_free(&warnings);
        policy_free(policy);
    }
}

static void sample_policy_has_no_warnings(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    struct policy *policy = policy_load(INTAKE_SOURCE_DIR "/config/policy.yaml", &diagnostics);
    assert_non_null(policy);
    policy_warn(policy, "p", &diagnostics);
    assert_int_equal(diagnostics.count, 0);
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(unlikely_intent_is_warned_of),
        TEST(sample_policy_has_no_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
