/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/diagnostics.h"
#include "intake/settings.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct settings *load(const char *file)
{
    struct diagnostics diagnostics = {0};
    const struct settings_sources sources = {&file, 1, NULL, 0};
    struct settings *settings = settings_load(&sources, &diagnostics);
    assert_non_null(settings);
    return settings;
}

static void assert_told(void **state, const char *running, const char *asked, const char *what)
{
    struct diagnostics said = {0};
    char expected[512];
    const char *file = scratch_file(state, "asked.conf", asked);
    struct settings *old = load(scratch_file(state, "running.conf", running));
    struct settings *fresh = load(file);
    settings_needing_restart(old, fresh, &said);
    assert_int_equal(said.count, 1);
    snprintf(expected, sizeof expected, "%s%s", *what == ':' ? file : "", what);
    assert_string_equal(said.lines[0], expected);
    diagnostics_free(&said);
    settings_free(old);
    settings_free(fresh);
}

static void change_that_needs_a_restart_is_reported(void **state)
{
    static const struct {
        const char *running, *asked, *told;
    } rows[] = {
        {"", "[listen]\n\nbind = 127.0.0.1:80\n",
         ":3: [listen] bind = 127.0.0.1:80 needs a restart; until then it is 0.0.0.0:9292"},
        {"[listen]\nbind = 127.0.0.1:80, [::1]:80\n", "[listen]\nbind = [::1]:80, 127.0.0.1:80\n",
         ":2: [listen] bind = [::1]:80, 127.0.0.1:80 needs a restart; until then it is "
         "127.0.0.1:80, [::1]:80"},
        {"[listen]\nbind = 127.0.0.1:80\n", "",
         "default: [listen] bind = 0.0.0.0:9292 needs a restart; until then it is 127.0.0.1:80"},
        {"[DEFAULT]\nworkers = 200\n", "[DEFAULT]\nworkers = 199\n",
         ":2: [DEFAULT] workers = 199 needs a restart; until then it is 200"},
        {"", "[listen]\ntls_min_version = 1.3\n",
         ":2: [listen] tls_min_version = 1.3 needs a restart; until then it is 1.2"},
        {"", "[listen]\ntls_ciphers = SECURE256\n",
         ":2: [listen] tls_ciphers = SECURE256 needs a restart; until then it is (empty)"},
        {"", "[keystone]\nauth_url = https://k/v3\n",
         ":2: [keystone] auth_url = https://k/v3 needs a restart; until then it is (empty)"},
        {"", "[admin]\nbind =\n",
         ":2: [admin] bind = (empty) needs a restart; until then it is 127.0.0.1:9294"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_told(state, rows[i].running, rows[i].asked, rows[i].told);
}

static void all_other_changes_are_taken(void **state)
{
    struct diagnostics said = {0};
    struct settings *old = load(
        scratch_file(state, "old", "[listen]\ntls_cert_file = /a.crt\ntls_key_file = /a.key\n"));
    struct settings *fresh = load(scratch_file(
        state, "fresh",
        "[DEFAULT]\ndebug = true\ndrain_timeout = 1h\nlog_format = json\n[listen]\ntls_cert_file = "
        "/b.crt\ntls_key_file = /b.key\nmax_connections = 7\n[glance]\nendpoint = http://h:1\n"
        "[upload]\nmax_size = 1GiB\n"));
    settings_needing_restart(old, fresh, &said);
    assert_int_equal(said.count, 0);
    settings_free(old);
    settings_free(fresh);
}

static void switching_tls_needs_a_restart(void **state)
{
    struct diagnostics said = {0};
    struct settings *plain = load(scratch_file(state, "plain", ""));
    struct settings *tls = load(
        scratch_file(state, "tls", "[listen]\ntls_cert_file = /a.crt\ntls_key_file = /a.key\n"));
    settings_needing_restart(plain, tls, &said);
    assert_int_equal(said.count, 2);
    settings_needing_restart(tls, plain, &said);
    assert_int_equal(said.count, 4);
    assert_string_equal(
        said.lines[3],
        "default: [listen] tls_key_file = (empty) needs a restart; until then it is /a.key");
    diagnostics_free(&said);
    settings_free(plain);
    settings_free(tls);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(change_that_needs_a_restart_is_reported),
        TEST(all_other_changes_are_taken),
        TEST(switching_tls_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
