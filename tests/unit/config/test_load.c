/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/settings.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct settings *load(const char *first, const char *second, struct diagnostics *diagnostics)
{
    const char *files[] = {first, second};
    const struct settings_sources sources = {files, second ? 2 : 1, NULL, 0};
    return settings_load(&sources, diagnostics);
}

static void an_empty_file_leaves_the_defaults(void **state)
{
    struct diagnostics diagnostics = {0};
    struct settings *settings = load(scratch_file(state, "a", ""), NULL, &diagnostics);
    assert_non_null(settings);
    assert_false(settings->debug);
    assert_true(settings->workers >= 1);
    assert_int_equal(settings->log_format, LOG_FORMAT_TEXT);
    assert_null(settings->log_file);
    assert_int_equal(settings->access_log, ACCESS_LOG_UPLOADS);
    assert_int_equal(settings->drain_timeout, 6 * 3600 * 1000);
    assert_int_equal(settings->listen.bind_count, 1);
    assert_string_equal(settings->listen.binds[0].text, "0.0.0.0:9292");
    assert_null(settings->listen.tls_cert_file);
    assert_int_equal(settings->listen.max_connections, 10000);
    assert_int_equal(settings->listen.header_timeout, 10000);
    assert_int_equal(settings->listen.keepalive_timeout, 75000);
    assert_int_equal(settings->listen.stall_timeout, 60000);
    assert_int_equal(settings->listen.max_request_body, 1 << 20);
    assert_int_equal(settings->listen.trusted_proxies.count, 0);
    assert_int_equal(settings->listen.forwarded_header, FORWARDED_HEADER_X_FORWARDED_FOR);
    assert_int_equal(settings->glance.endpoint_count, 1);
    assert_string_equal(settings->glance.endpoints[0], "http://127.0.0.1:9393");
    assert_null(settings->glance.ca_file);
    assert_false(settings->glance.insecure);
    assert_int_equal(settings->glance.connect_timeout, 5000);
    assert_int_equal(settings->glance.stall_timeout, 60000);
    assert_int_equal(settings->glance.response_timeout, 6 * 3600 * 1000);
    assert_int_equal(settings->upload.max_size, UINT64_C(1) << 40);
    assert_true(settings->upload.fix_content_type);
    assert_true(settings->upload.unwrap_multipart);
    assert_int_equal(settings->upload.unknown_length, UNKNOWN_LENGTH_SPOOL);
    assert_string_equal(settings->upload.spool_dir, "/var/spool/glance-intake");
    assert_int_equal(settings->upload.spool_limit, UINT64_C(200) << 30);
    assert_int_equal(settings->upload.checks.damaged, CHECK_REJECT);
    assert_int_equal(settings->upload.checks.format, CHECK_REJECT);
    assert_int_equal(settings->upload.checks.unsafe_format, CHECK_REJECT);
    assert_int_equal(settings->upload.checks.truncated, CHECK_REJECT);
    assert_int_equal(settings->upload.checks.compressed, CHECK_REJECT);
    assert_int_equal(settings->upload.glance_checks, GLANCE_CHECKS_AUTO);
    assert_int_equal(settings->upload.verify, VERIFY_DIGEST);
    assert_true(settings->upload.check_quota);
    assert_string_equal(settings->policy.file, "/etc/glance-intake/policy.yaml");
    assert_string_equal(settings->admin.bind.text, "127.0.0.1:9294");
    settings_free(settings);
}

static void every_key_finds_its_place(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *ca = scratch_file(state, "ca.pem", "");
    char text[4096];
    snprintf(text, sizeof text,
             "[DEFAULT]\ndebug = yes\nworkers = 3\nlog_format = json\nlog_file = /l\n"
             "access_log = all\n"
             "drain_timeout = 1s\n"
             "[listen]\nbind = 127.0.0.1:1, [::1]:2\ntls_cert_file = c\ntls_key_file = k\n"
             "tls_ciphers = NORMAL\ntls_client_ca_file = a\n"
             "max_connections = 4\nheader_timeout = 5s\nkeepalive_timeout = 6s\n"
             "stall_timeout = 7s\nmax_request_body = 8KiB\ntrusted_proxies = 10.0.0.0/8\n"
             "proxy_protocol = true\nforwarded_header = forwarded\n"
             "[glance]\nendpoint = http://g:8, https://h\nca_file = %s\nclient_cert_file = cc\n"
             "client_key_file = ck\ninsecure = on\n"
             "connect_timeout = 9s\nstall_timeout = 10s\nresponse_timeout = 11s\n"
             "[upload]\nmax_size = 12KiB\ncontent_type = strict\nmultipart = reject\n"
             "unknown_length = stream\nspool_dir = /s\nspool_limit = 14KiB\ndamaged = off\n"
             "format = warn\nunsafe_format = off\ntruncated = warn\ncompressed = off\n"
             "glance_checks = on\nverify = size\nquota = off\n"
             "[policy]\nfile = p\n[admin]\nbind = 127.0.0.1:13\n",
             ca);
    struct settings *settings = load(scratch_file(state, "a", text), NULL, &diagnostics);
    assert_non_null(settings);
    assert_true(settings->debug);
    assert_int_equal(settings->workers, 3);
    assert_int_equal(settings->log_format, LOG_FORMAT_JSON);
    assert_string_equal(settings->log_file, "/l");
    assert_int_equal(settings->access_log, ACCESS_LOG_ALL);
    assert_int_equal(settings->drain_timeout, 1000);
    assert_int_equal(settings->listen.bind_count, 2);
    assert_string_equal(settings->listen.tls_cert_file, "c");
    assert_string_equal(settings->listen.tls_key_file, "k");
    assert_string_equal(settings->listen.tls_ciphers, "NORMAL");
    assert_string_equal(settings->listen.tls_client_ca_file, "a");
    assert_string_equal(settings->glance.client_cert_file, "cc");
    assert_string_equal(settings->glance.client_key_file, "ck");
    assert_int_equal(settings->listen.max_connections, 4);
    assert_int_equal(settings->listen.header_timeout, 5000);
    assert_int_equal(settings->listen.keepalive_timeout, 6000);
    assert_int_equal(settings->listen.stall_timeout, 7000);
    assert_int_equal(settings->listen.max_request_body, 8192);
    assert_true(networks_have(&settings->listen.trusted_proxies, "10.1.1.1"));
    assert_true(settings->listen.proxy_protocol);
    assert_int_equal(settings->listen.forwarded_header, FORWARDED_HEADER_FORWARDED);
    assert_int_equal(settings->glance.endpoint_count, 2);
    assert_string_equal(settings->glance.ca_file, ca);
    assert_true(settings->glance.insecure);
    assert_int_equal(settings->glance.connect_timeout, 9000);
    assert_int_equal(settings->glance.stall_timeout, 10000);
    assert_int_equal(settings->glance.response_timeout, 11000);
    assert_int_equal(settings->upload.max_size, 12288);
    assert_false(settings->upload.fix_content_type);
    assert_false(settings->upload.unwrap_multipart);
    assert_int_equal(settings->upload.unknown_length, UNKNOWN_LENGTH_STREAM);
    assert_string_equal(settings->upload.spool_dir, "/s");
    assert_int_equal(settings->upload.spool_limit, 14336);
    assert_int_equal(settings->upload.checks.damaged, CHECK_OFF);
    assert_int_equal(settings->upload.checks.format, CHECK_WARN);
    assert_int_equal(settings->upload.checks.unsafe_format, CHECK_OFF);
    assert_int_equal(settings->upload.checks.truncated, CHECK_WARN);
    assert_int_equal(settings->upload.checks.compressed, CHECK_OFF);
    assert_int_equal(settings->upload.glance_checks, GLANCE_CHECKS_ON);
    assert_int_equal(settings->upload.verify, VERIFY_SIZE);
    assert_false(settings->upload.check_quota);
    assert_string_equal(settings->policy.file, "p");
    assert_string_equal(settings->admin.bind.text, "127.0.0.1:13");
    settings_free(settings);
}

static void a_later_file_wins_key_by_key(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *first =
        scratch_file(state, "a", "[listen]\nheader_timeout = 1s\nstall_timeout = 2s\n");
    const char *second = scratch_file(state, "b", "[listen]\nstall_timeout = 3s\n");
    struct settings *settings = load(first, second, &diagnostics);
    assert_non_null(settings);
    assert_int_equal(settings->listen.header_timeout, 1000);
    assert_int_equal(settings->listen.stall_timeout, 3000);
    settings_free(settings);
}

/* Each text has one mistake, reported as ":LINE: ...". */
static void mistakes_are_reported_with_their_line(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } rows[] = {
        {"debug = true\n", ":1: 'debug' comes before the first [section]"},
        {"[listen]\nbidn = 0.0.0.0:1\n", ":2: [listen] has no 'bidn': did you mean bind?"},
        {"[glance]\nbind = 0.0.0.0:1\n", ":2: [glance] has no bind; it belongs to [listen]"},
        {"[glance]\ncolour = red\n", ":2: [glance] has no 'colour'"},
        {"[upload]\nstore = test\n", ":2: [upload] has no 'store'"},
        {"[lisen]\nbind = x\nbind = y\n", ":1: unknown section [lisen]: did you mean [listen]?"},
        {"[keystone_authtoken]\nx = y\n", ":1: unknown section [keystone_authtoken]"},
        {"[DEFAULT]\n\ndebug = perhaps\n", ":3: [DEFAULT] debug: 'perhaps' is not true or false"},
        {"[policy]\nfile =\n", ":2: [policy] file: must be set"},
        {"[DEFAULT]\ndebug = true\n\ndebug = true\n", ":4: [DEFAULT] debug is on line 2 already"},
        {"[DEFAULT]\ndebug = true\n[listen]\n[DEFAULT]\ndebug = true\n",
         ":5: [DEFAULT] debug is on line 2 already"},
        {"[policy]\n\nfile = /etc/$INTAKE_T_UNSET\n",
         ":3: [policy] file: the environment has no variable INTAKE_T_UNSET"},
        {"[listen]\ntls_key_file = k\n", ":2: [listen] tls_key_file: needs tls_cert_file, too"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diagnostics diagnostics = {0};
        const char *path = scratch_file(state, "a", rows[i].text);
        assert_null(load(path, NULL, &diagnostics));
        assert_int_equal(diagnostics.count, 1);
        assert_string_equal(diagnostics.lines[0] + strlen(path), rows[i].problem);
        diagnostics_free(&diagnostics);
    }
}

static void all_mistakes_of_all_files_are_reported(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *first = scratch_file(state, "a", "[DEFAULT]\nworkers = x\nlog_format = y\n");
    const char *second = scratch_file(state, "b", "nonsense\n[admin]\nbind = 0.0.0.0:9292\n");
    assert_null(load(first, second, &diagnostics));
    assert_int_equal(diagnostics.count, 4);
    assert_memory_equal(diagnostics.lines[0], first, strlen(first));
    assert_memory_equal(diagnostics.lines[3], second, strlen(second));
    diagnostics_free(&diagnostics);
}

static void a_bad_value_in_an_earlier_file_stays_a_mistake(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *first = scratch_file(state, "a", "[DEFAULT]\nworkers = x\n");
    const char *second = scratch_file(state, "b", "[DEFAULT]\nworkers = 1\n");
    assert_null(load(first, second, &diagnostics));
    assert_int_equal(diagnostics.count, 1);
    diagnostics_free(&diagnostics);
}

static void the_rest_is_read_despite_mistakes(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *path = scratch_file(state, "a", "[DEFAULT]\nworkers = x\n[policy]\nfile = p\n");
    const struct settings_sources sources = {&path, 1, NULL, 0};
    struct settings *settings = settings_read(&sources, &diagnostics);
    assert_non_null(settings);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(settings->policy.file, "p");
    settings_free(settings);
    diagnostics_free(&diagnostics);
}

/* A variable may hold a whole list. */
static void values_come_from_the_environment(void **state)
{
    struct diagnostics diagnostics = {0};
    assert_int_equal(setenv("INTAKE_T_ENDPOINTS", "http://a:1, http://b:2", 1), 0);
    struct settings *settings = load(scratch_file(state, "a",
                                                  "[glance]\nendpoint = $INTAKE_T_ENDPOINTS\n"
                                                  "[policy]\nfile = /a$$b/$INTAKE_T_ENDPOINTS\n"),
                                     NULL, &diagnostics);
    assert_non_null(settings);
    assert_int_equal(settings->glance.endpoint_count, 2);
    assert_string_equal(settings->glance.endpoints[1], "http://b:2");
    assert_string_equal(settings->policy.file, "/a$b/http://a:1, http://b:2");
    settings_free(settings);
}

static char *print(const struct settings *settings)
{
    struct buffer text;
    buffer_init(&text, 65536);
    settings_print(settings, &text);
    return text.data;
}

static void printed_settings_are_read_as_the_same(void **state)
{
    struct diagnostics diagnostics = {0};
    struct settings *settings =
        load(scratch_file(state, "a",
                          "[DEFAULT]\nworkers = 3\n[listen]\nbind = 0.0.0.0:1,[::]:2\n"
                          "stall_timeout = 1500ms\ntrusted_proxies = 10.0.0.0/8,::1\n"
                          "[policy]\nfile = /p$$q\n[admin]\nbind =\n"),
             NULL, &diagnostics);
    assert_non_null(settings);
    char *printed = print(settings);
    struct settings *again = load(scratch_file(state, "b", printed), NULL, &diagnostics);
    assert_non_null(again);
    char *printed_again = print(again);
    assert_string_equal(printed, printed_again);
    assert_non_null(strstr(printed, "[listen]\nbind = 0.0.0.0:1, [::]:2\n"));
    assert_non_null(strstr(printed, "\nstall_timeout = 1500ms\n"));
    assert_non_null(strstr(printed, "\n[policy]\nfile = /p$$q\n"));
    assert_non_null(strstr(printed, "\n[admin]\nbind = \n"));
    free(printed);
    free(printed_again);
    settings_free(settings);
    settings_free(again);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_leaves_the_defaults),
        TEST(every_key_finds_its_place),
        TEST(a_later_file_wins_key_by_key),
        TEST(mistakes_are_reported_with_their_line),
        TEST(all_mistakes_of_all_files_are_reported),
        TEST(a_bad_value_in_an_earlier_file_stays_a_mistake),
        TEST(the_rest_is_read_despite_mistakes),
        TEST(values_come_from_the_environment),
        TEST(printed_settings_are_read_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
