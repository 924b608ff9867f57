/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/diagnostics.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void files_come_before_directories_which_are_sorted(void **state)
{
    const char *dir = scratch_dir(state, "d");
    scratch_file(state, "d/20.conf", "");
    scratch_file(state, "d/10.conf", "");
    scratch_file(state, "d/9.conf", "");
    scratch_file(state, "d/.hidden.conf", "");
    scratch_file(state, "d/10.conf~", "");
    scratch_file(state, "d/README", "");
    const char *files[] = {"b.conf", "a.conf"};
    const struct settings_sources sources = {files, 2, &dir, 1};
    struct settings_files found = {0};
    struct diagnostics diagnostics = {0};
    settings_files_find(&sources, &found, &diagnostics);
    assert_int_equal(diagnostics.count, 0);
    static const char *const ends[] = {"b.conf", "a.conf", "/10.conf", "/20.conf", "/9.conf"};
    assert_int_equal(found.count, 5);
    for (size_t i = 0; i < found.count; i++) {
        const char *path = found.rows[i].path;
        assert_true(strlen(path) >= strlen(ends[i]));
        assert_string_equal(path + strlen(path) - strlen(ends[i]), ends[i]);
        assert_false(found.rows[i].may_be_absent);
    }
    settings_files_free(&found);
}

static void a_named_directory_must_exist(void **state)
{
    const char *dir = scratch_path(state, "absent");
    const struct settings_sources sources = {NULL, 0, &dir, 1};
    struct settings_files found = {0};
    struct diagnostics diagnostics = {0};
    settings_files_find(&sources, &found, &diagnostics);
    assert_int_equal(found.count, 0);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(diagnostics.lines[0] + strlen(dir),
                        ": cannot be read: No such file or directory");
    diagnostics_free(&diagnostics);
    settings_files_free(&found);
}

static void default_file_comes_first_and_may_be_absent(void **state)
{
    (void)state;
    const struct settings_sources sources = {0};
    struct settings_files found = {0};
    struct diagnostics diagnostics = {0};
    settings_files_find(&sources, &found, &diagnostics);
    assert_true(found.count >= 1);
    assert_string_equal(found.rows[0].path, "/etc/glance-intake/glance-intake.conf");
    assert_true(found.rows[0].may_be_absent);
    assert_int_equal(diagnostics.count, 0);
    settings_files_free(&found);
}

static void directory_named_alone_replaces_the_default_file(void **state)
{
    const char *dir = scratch_dir(state, "d");
    scratch_file(state, "d/1.conf", "");
    const struct settings_sources sources = {NULL, 0, &dir, 1};
    struct settings_files found = {0};
    struct diagnostics diagnostics = {0};
    settings_files_find(&sources, &found, &diagnostics);
    assert_int_equal(found.count, 1);
    settings_files_free(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(files_come_before_directories_which_are_sorted),
        TEST(a_named_directory_must_exist),
        TEST(default_file_comes_first_and_may_be_absent),
        TEST(directory_named_alone_replaces_the_default_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
