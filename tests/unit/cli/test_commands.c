/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* The command's exit status; its output is in `out` and `errors`. */
static int run(int (*command)(const struct options *, FILE *, FILE *),
               const struct options *options, char out[8192], char errors[8192])
{
    memset(out, 0, 8192);
    memset(errors, 0, 8192);
    FILE *out_file = fmemopen(out, 8191, "w");
    FILE *errors_file = fmemopen(errors, 8191, "w");
    assert_non_null(out_file);
    assert_non_null(errors_file);
    int status = command(options, out_file, errors_file);
    fclose(out_file);
    fclose(errors_file);
    return status;
}

/* A configuration whose policy is the text, and whatever else is in the settings; nothing outside
 * of the test's directory is tried. */
static const char *configure(void **state, const char *policy, const char *settings)
{
    char text[1024];
    snprintf(text, sizeof text, "[policy]\nfile = %s\n%s[upload]\nspool_dir = %s\n",
             scratch_file(state, "policy.yaml", policy), settings, scratch_path(state, "spool"));
    return scratch_file(state, "x.conf", text);
}

static const char policy[] =
    "rules: [{name: no-isos, when: {disk_format: iso}, deny: convert it}]\n"
    "default: {store: test, mode: force}\n";

static void good_configuration_is_reported_good(void **state)
{
    const char *path = configure(state, policy, "");
    const struct options options = {.sources = {.files = &path, .file_count = 1}};
    char out[8192];
    char errors[8192];
    assert_int_equal(run(command_check, &options, out, errors), 0);
    assert_string_equal(out, "configuration is good: 1 rule and a default, 1 listening address "
                             "(plain HTTP), 1 Glance endpoint\n");
    assert_string_equal(errors, "");
}

static void audit_mode_is_reported(void **state)
{
    static const char *const rows[][2] = {
        {"default: {store: test, mode: audit}\n", "a default (some only watch: mode audit), 1 "},
        {"mode: audit\ndefault: {store: test}\n", "a default (all only watch: mode audit), 1 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = configure(state, rows[i][0], "");
        const struct options options = {.sources = {.files = &path, .file_count = 1}};
        char out[8192];
        char errors[8192];
        assert_int_equal(run(command_check, &options, out, errors), 0);
        assert_non_null(strstr(out, rows[i][1]));
    }
}

static void all_mistakes_are_reported(void **state)
{
    const char *path = configure(state, "default: {store: a b}\n", "[listen]\nbnd = x\n");
    const struct options options = {.sources = {.files = &path, .file_count = 1}};
    char out[8192];
    char errors[8192];
    assert_int_equal(run(command_check, &options, out, errors), 1);
    assert_string_equal(out, "");
    assert_non_null(strstr(errors, "x.conf:4: [listen] has no 'bnd': did you mean bind?\n"));
    assert_non_null(strstr(errors, "policy.yaml:1: store 'a b' must be"));
}

static void strict_makes_a_warning_an_error(void **state)
{
    const char *path = configure(
        state, "rules:\n- {name: a, when: {disk_format: qcw2}, store: x}\ndefault: {store: y}\n",
        "");
    for (int strict = 0; strict < 2; strict++) {
        const struct options options = {.strict = strict,
                                        .sources = {.files = &path, .file_count = 1}};
        char out[8192];
        char errors[8192];
        assert_int_equal(run(command_check, &options, out, errors), strict);
        assert_non_null(strstr(out, "configuration is good: 1 rule"));
        assert_non_null(strstr(errors, "policy.yaml:2: warning: a: disk_format 'qcw2'"));
    }
}

static void logins_without_tls_are_warned_of(void **state)
{
    static const struct {
        const char *settings;
        unsigned warnings;
    } rows[] = {
        {"[keystone]\nauth_url = https://k/v3\n[listen]\ntrusted_proxies = 10.0.0.1\n", 0},
        {"[keystone]\nauth_url = http://127.0.0.1:5000\n[listen]\ntrusted_proxies = unix:\n", 0},
        {"[keystone]\nauth_url = http://k/v3\n[listen]\ntrusted_proxies = 10.0.0.1\n", 1},
        {"[keystone]\nauth_url = https://k/v3\n", 1},
        {"[keystone]\nauth_url = http://k/v3\n", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = configure(state, policy, rows[i].settings);
        const struct options options = {.sources = {.files = &path, .file_count = 1}};
        char out[8192];
        char errors[8192];
        unsigned found = 0;
        assert_int_equal(run(command_check, &options, out, errors), 0);
        for (const char *at = errors; (at = strstr(at, "x.conf:4: warning: [keystone]")); at++)
            found++;
        assert_int_equal(found, rows[i].warnings);
    }
}

static void effective_configuration_is_printed(void **state)
{
    const char *path = configure(state, policy, "[upload]\nmax_size = 2048GiB\n");
    const struct options options = {.sources = {.files = &path, .file_count = 1}};
    char out[8192];
    char errors[8192];
    assert_int_equal(run(command_print_config, &options, out, errors), 0);
    assert_non_null(strstr(out, "\n[upload]\nmax_size = 2TiB\n"));
    assert_non_null(strstr(out, "\nendpoint = http://127.0.0.1:9393\n"));
    path = configure(state, policy, "[upload]\nmax_size = x\n");
    assert_int_equal(run(command_print_config, &options, out, errors), 1);
    assert_string_equal(out, "");
    assert_non_null(strstr(errors, ":4: [upload] max_size: 'x' is not a size"));
}

#define HIDDEN "\x1B[2J\xE2\x80\xAE\xE2\x80\xA8" /* U+202E, U+2028 */
#define SHOWN  "\\x1b[2J\\xe2\\x80\\xae\\xe2\\x80\\xa8"

/* Bytes that would move the cursor, change the direction or end the line are escaped. */
static void control_characters_are_escaped_in_messages(void **state)
{
    static const char rule[] = "rules:\n- {name: \"a\\u202E\\u2028\", store: y}\n"
                               "default: {store: x}\n";
    char out[8192];
    char errors[8192];
    const char *path = configure(state, rule, "[listen]\nb" HIDDEN " = x\n");
    struct options options = {.sources = {.files = &path, .file_count = 1}};
    assert_int_equal(run(command_check, &options, out, errors), 1);
    assert_non_null(strstr(errors, "[listen] has no 'b" SHOWN "'\n"));
    path = configure(state, rule, "");
    assert_int_equal(run(command_check, &options, out, errors), 1);
    assert_non_null(strstr(errors, "name 'a\\xe2\\x80\\xae\\xe2\\x80\\xa8' must be"));
    path = configure(state, policy, "[DEFAULT]\nlog_file = /tmp/a" HIDDEN "\n");
    assert_int_equal(run(command_print_config, &options, out, errors), 0);
    assert_non_null(strstr(out, "\nlog_file = /tmp/a" SHOWN "\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(good_configuration_is_reported_good),
        TEST(audit_mode_is_reported),
        TEST(all_mistakes_are_reported),
        TEST(strict_makes_a_warning_an_error),
        TEST(logins_without_tls_are_warned_of),
        TEST(effective_configuration_is_printed),
        TEST(control_characters_are_escaped_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
