/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/snapshot.h"

#include "intake/diagnostics.h"
#include "intake/policy.h"
#include "intake/settings.h"
#include "support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include <cmocka.h>

static struct snapshot *load(void **state, const char *settings, const char *policy,
                             struct diagnostics *diagnostics)
{
    char text[1024];
    snprintf(text, sizeof text, "[upload]\nspool_dir = %s\n", scratch_path(state, "spool"));
    const char *spool = scratch_file(state, "spool.conf", text);
    snprintf(text, sizeof text, "[policy]\nfile = %s\n%s",
             scratch_file(state, "policy.yaml", policy), settings);
    const char *paths[] = {spool, scratch_file(state, "x.conf", text)};
    const struct settings_sources sources = {paths, 2, NULL, 0};
    return snapshot_load(&sources, diagnostics);
}

static void good_snapshot_has_settings_and_policy(void **state)
{
    struct diagnostics diagnostics = {0};
    struct snapshot *snapshot = load(state, "", "default: {store: test}\n", &diagnostics);
    assert_non_null(snapshot);
    assert_int_equal(diagnostics.count, 0);
    assert_string_equal(snapshot->settings->listen.binds[0].text, "0.0.0.0:9292");
    struct policy_decision decision;
    policy_decide(snapshot->policy, &(struct policy_facts){0}, &decision);
    assert_string_equal(decision.store, "test");
    assert_null(snapshot->tls);
    snapshot_release(snapshot);
}

static void problems_of_all_parts_are_reported(void **state)
{
    struct diagnostics diagnostics = {0};
    assert_null(load(state,
                     "[listen]\nmax_connections = 0\ntls_cert_file = /proc/nonexistent/c\n"
                     "tls_key_file = /proc/nonexistent/k\n",
                     "default: {}\n", &diagnostics));
    assert_true(diagnostics.count >= 4);
    assert_non_null(strstr(diagnostics.lines[0], "x.conf:4: [listen] max_connections:"));
    assert_non_null(strstr(diagnostics.lines[1], "policy.yaml:1: default: needs a store"));
    assert_non_null(strstr(diagnostics.lines[2], "/proc/nonexistent/c"));
    assert_non_null(strstr(diagnostics.lines[3], "/proc/nonexistent/k"));
    diagnostics_free(&diagnostics);
}

static void spool_is_tried_only_where_it_is_used(void **state)
{
    static const char policy[] = "default: {store: test}\n";
    struct diagnostics diagnostics = {0};
    assert_null(
        load(state, "[upload]\nspool_dir = /proc/nonexistent/none\n", policy, &diagnostics));
    assert_int_equal(diagnostics.count, 1);
    static const char told[] = ":4: [upload] spool_dir: /proc/nonexistent/none cannot be made: "
                               "No such file or directory; name another or set unknown_length";
    assert_true(strlen(diagnostics.lines[0]) > strlen(told));
    const char *end = diagnostics.lines[0] + strlen(diagnostics.lines[0]) - strlen(told);
    assert_string_equal(end, told);
    diagnostics_free(&diagnostics);
    struct snapshot *snapshot =
        load(state, "[upload]\nspool_dir = /proc/nonexistent/none\nunknown_length = stream\n",
             policy, &diagnostics);
    assert_non_null(snapshot);
    snapshot_release(snapshot);
}

static void a_store_may_need_the_spool(void **state)
{
    static const char *const rows[][2] = {
        {"spool_dir =\n", "x.conf:5: [upload] spool_dir: must be set with unknown_length: spool of "
                          "the store test"},
        {"spool_dir = /proc/nonexistent/none\n",
         "cannot be made: No such file or directory; name another or set unknown_length of the "
         "store"},
    };
    for (size_t i = 0; i < 2; i++) {
        char text[128];
        struct diagnostics diagnostics = {0};
        snprintf(text, sizeof text, "[upload]\nunknown_length = stream\n%s", rows[i][0]);
        assert_null(load(state, text,
                         "default: {store: test}\nstores: {test: {unknown_length: spool}}\n",
                         &diagnostics));
        assert_int_equal(diagnostics.count, 1);
        assert_non_null(strstr(diagnostics.lines[0], rows[i][1]));
        diagnostics_free(&diagnostics);
    }
}

static void *hold_and_release(void *context)
{
    for (int i = 0; i < 10000; i++)
        snapshot_release(snapshot_hold(context));
    return NULL;
}

static void references_are_counted_across_threads(void **state)
{
    struct diagnostics diagnostics = {0};
    struct snapshot *snapshot = load(state, "", "default: {store: test}\n", &diagnostics);
    assert_non_null(snapshot);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, snapshot), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&snapshot->references), 1);

    assert_ptr_equal(snapshot_hold(snapshot), snapshot);
    snapshot_release(snapshot);
    assert_int_equal(snapshot->settings->listen.max_connections, 10000);
    snapshot_release(snapshot);
    snapshot_release(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(good_snapshot_has_settings_and_policy), TEST(problems_of_all_parts_are_reported),
        TEST(spool_is_tried_only_where_it_is_used),  TEST(a_store_may_need_the_spool),
        TEST(references_are_counted_across_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
