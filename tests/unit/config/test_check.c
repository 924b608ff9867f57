/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/diagnostics.h"
#include "intake/settings.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

/* The problem without its file, or NULL for none; there must not be more than one. */
static void check(void **state, const char *text, const char *problem)
{
    struct diagnostics diagnostics = {0};
    const char *path = scratch_file(state, "a", text);
    const struct settings_sources sources = {&path, 1, NULL, 0};
    struct settings *settings = settings_load(&sources, &diagnostics);
    assert_int_equal(diagnostics.count, problem ? 1 : 0);
    assert_int_equal(settings == NULL, problem != NULL);
    if (problem)
        assert_string_equal(diagnostics.lines[0] + strlen(path), problem);
    settings_free(settings);
    diagnostics_free(&diagnostics);
}

static void a_certificate_needs_a_key_and_a_key_a_certificate(void **state)
{
    check(state, "[listen]\ntls_cert_file = c\n",
          ":2: [listen] tls_cert_file: needs tls_key_file, too");
    check(state, "[listen]\ntls_key_file = k\n",
          ":2: [listen] tls_key_file: needs tls_cert_file, too");
    check(state, "[listen]\ntls_cert_file = c\ntls_key_file = k\n", NULL);
    check(state, "[listen]\ntls_cert_file =\ntls_key_file =\n", NULL);
}

static void client_certificates_need_their_partners(void **state)
{
    check(state, "[glance]\nclient_cert_file = c\n",
          ":2: [glance] client_cert_file: needs client_key_file, too");
    check(state, "[glance]\nclient_key_file = k\n",
          ":2: [glance] client_key_file: needs client_cert_file, too");
    check(state, "[listen]\ntls_client_ca_file = a\n",
          ":2: [listen] tls_client_ca_file: needs tls_cert_file, too");
    check(state, "[glance]\nclient_cert_file = c\nclient_key_file = k\n", NULL);
}

static void proxy_protocol_needs_trusted_proxies(void **state)
{
    check(state, "[listen]\nproxy_protocol = true\n",
          ":2: [listen] proxy_protocol: needs trusted_proxies, too");
    check(state, "[listen]\nproxy_protocol = true\ntrusted_proxies = 10.0.0.1\n", NULL);
    check(state, "[listen]\nproxy_protocol = true\ntrusted_proxies = unix:\n", NULL);
}

static void keystone_is_a_url(void **state)
{
    check(state, "[keystone]\nauth_url = https://keystone.example.org:5000/v3\n", NULL);
    check(state, "[keystone]\nauth_url = keystone:5000\n",
          ":2: [keystone] auth_url: 'keystone:5000' is not a URL beginning with http:// or "
          "https://");
    check(state, "[keystone]\nauth_url = http://admin:secret@keystone\n",
          ":2: [keystone] auth_url: '...' has no port from 1 to 65535 behind its colon");
    check(state, "[keystone]\nca_file = /dev/null\n",
          ":2: [keystone] ca_file: needs auth_url, too");
}

static void ciphers_are_a_priority_string(void **state)
{
    check(state, "[listen]\ntls_ciphers = SECURE256\n", NULL);
    check(state, "[listen]\ntls_ciphers = NORMAL:-AES-128-GCM:%SERVER_PRECEDENCE\n", NULL);
    check(state, "[listen]\n\ntls_ciphers = ECDHE-RSA-AES128-GCM-SHA256\n",
          ":3: [listen] tls_ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' is not a priority string of "
          "GnuTLS, such as SECURE256");
    check(state, "[listen]\ntls_ciphers = NORMAL:-CIPHER-ALL\n",
          ":2: [listen] tls_ciphers: 'NORMAL:-CIPHER-ALL' leaves no cipher; it may have to begin "
          "with NORMAL");
}

static void port_used_twice_is_an_error(void **state)
{
    check(state, "[listen]\nbind = 127.0.0.1:1, 127.0.0.1:1\n",
          ":2: [listen] bind: 127.0.0.1:1 and 127.0.0.1:1 are the same port");
    check(state, "[listen]\nbind = 127.0.0.1:1, 0.0.0.0:1\n",
          ":2: [listen] bind: 127.0.0.1:1 and 0.0.0.0:1 are the same port");
    check(state, "[listen]\nbind = [::1]:1, [0:0::1]:1\n",
          ":2: [listen] bind: [::1]:1 and [0:0::1]:1 are the same port");
    check(state, "[listen]\nbind = 0.0.0.0:1, [::]:1\n", NULL);
    check(state, "[listen]\nbind = 127.0.0.1:1, 127.0.0.2:1, 127.0.0.1:2\n", NULL);
}

static void unix_socket_used_twice_is_an_error(void **state)
{
    check(state, "[listen]\nbind = unix:/a, unix:/a\n",
          ":2: [listen] bind: unix:/a and unix:/a are the same socket");
    check(state, "[listen]\nbind = unix:/a, unix:/b, 127.0.0.1:1\n", NULL);
    check(state, "[listen]\nbind = unix:/a\n[glance]\nendpoint = unix:/b, unix:/a\n",
          ":4: [glance] endpoint: unix:/a is this proxy itself ([listen] bind unix:/a)");
    check(state, "[listen]\nbind = 127.0.0.1:1\n[glance]\nendpoint = unix:/a\n", NULL);
    check(state, "[admin]\nbind = unix:/a\n",
          ":2: [admin] bind: 'unix:/a' is a unix socket, and these pages need ADDRESS:PORT");
}

static void admin_address_needs_its_own_port(void **state)
{
    check(state, "[admin]\nbind = 0.0.0.0:9292\n",
          ":2: [admin] bind: 0.0.0.0:9292 is the port of [listen] bind 0.0.0.0:9292");
    check(state, "[admin]\nbind = 127.0.0.1:9292\n",
          ":2: [admin] bind: 127.0.0.1:9292 is the port of [listen] bind 0.0.0.0:9292");
    check(state, "[admin]\nbind = [::1]:9292\n", NULL);
    check(state, "[admin]\nbind =\n", NULL);
}

static void endpoint_of_the_proxy_itself_is_an_error(void **state)
{
    static const char *const loops[][2] = {
        {"0.0.0.0:9292", "http://127.0.0.1:9292"},   {"0.0.0.0:9292", "http://localhost:9292"},
        {"0.0.0.0:9292", "https://127.0.0.9:9292"},  {"0.0.0.0:9292", "http://0.0.0.0:9292"},
        {"127.0.0.5:9292", "http://127.0.0.5:9292"}, {"127.0.0.1:80", "http://127.0.0.1"},
        {"0.0.0.0:443", "https://127.0.0.1"},        {"[::]:9292", "http://[::1]:9292"},
        {"[::1]:9292", "http://[0:0::1]:9292"}};
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        char text[256], problem[256];
        snprintf(text, sizeof text, "[listen]\nbind = %s\n[glance]\nendpoint = %s\n", loops[i][0],
                 loops[i][1]);
        snprintf(problem, sizeof problem,
                 ":4: [glance] endpoint: %s is this proxy itself ([listen] bind %s)", loops[i][1],
                 loops[i][0]);
        check(state, text, problem);
    }
    static const char *const good[][2] = {{"0.0.0.0:9292", "http://127.0.0.1:9393"},
                                          {"127.0.0.5:9292", "http://127.0.0.1:9292"},
                                          {"0.0.0.0:9292", "http://192.0.2.1:9292"},
                                          {"0.0.0.0:9292", "http://[::1]:9292"},
                                          {"0.0.0.0:9292", "http://elsewhere.invalid:9292"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[256];
        snprintf(text, sizeof text, "[listen]\nbind = %s\n[glance]\nendpoint = %s\n", good[i][0],
                 good[i][1]);
        check(state, text, NULL);
    }
}

static void mistake_is_reported_at_the_line_of_its_key(void **state)
{
    struct diagnostics diagnostics = {0};
    const char *files[] = {scratch_file(state, "a", "[listen]\nbind = 127.0.0.1:9294\n"),
                           scratch_file(state, "b", "\n\n[admin]\n\nbind = 127.0.0.1:9294\n")};
    const struct settings_sources sources = {files, 2, NULL, 0};
    assert_null(settings_load(&sources, &diagnostics));
    assert_int_equal(diagnostics.count, 1);
    assert_memory_equal(diagnostics.lines[0], files[1], strlen(files[1]));
    assert_memory_equal(diagnostics.lines[0] + strlen(files[1]), ":5: [admin]", 11);
    diagnostics_free(&diagnostics);
}

static void named_files_must_be_readable(void **state)
{
    check(
        state, "[glance]\nca_file = /proc/nonexistent/ca.pem\n",
        ":2: [glance] ca_file: /proc/nonexistent/ca.pem cannot be read: No such file or directory");
    check(state, "[glance]\nca_file = /\n", ":2: [glance] ca_file: / is a directory");
    check(state, "[glance]\nca_file = /dev/null\n", NULL);
    check(state, "[keystone]\nauth_url = https://k/v3\nca_file = /\n",
          ":3: [keystone] ca_file: / is a directory");
}

static void log_file_needs_its_directory(void **state)
{
    check(state, "[DEFAULT]\nlog_file = /proc/nonexistent/x.log\n",
          ":2: [DEFAULT] log_file: there is no directory /proc/nonexistent");
    check(state, "[DEFAULT]\nlog_file = /dev/null/x.log\n",
          ":2: [DEFAULT] log_file: there is no directory /dev/null");
    check(state, "[DEFAULT]\nlog_file = /usr/bin\n",
          ":2: [DEFAULT] log_file: /usr/bin is a directory");
    check(state, "[DEFAULT]\nlog_file = /dev/null\n", NULL);
    check(state, "[DEFAULT]\nlog_file = x.log\n", NULL);
}

static void spooling_needs_a_directory(void **state)
{
    check(state, "[upload]\nspool_dir =\n",
          ":2: [upload] spool_dir: must be set with unknown_length = spool");
    check(state, "[upload]\nspool_dir = /dev/null\n",
          ":2: [upload] spool_dir: /dev/null is not a directory");
    check(state, "[upload]\nspool_dir =\nunknown_length = stream\n", NULL);
    check(state, "[upload]\nspool_dir = /dev/null\nunknown_length = reject\n", NULL);
    check(state, "[upload]\nspool_dir = /dev\n", NULL);
    check(state, "[upload]\nspool_dir = /var/made-when-started\n", NULL);
}

static void window_has_a_byte_for_each_interval(void **state)
{
    check(state, "[glance]\nfeed_interval = 1s\n[resume]\nwindow = 501s\n",
          ":4: [resume] window: is longer than 500 times [glance] feed_interval: shorten it, or "
          "lengthen that");
    check(state, "[glance]\nfeed_interval = 1s\n[resume]\nwindow = 500s\n", NULL);
    check(state, "[glance]\nfeed_interval = 0\n[resume]\nwindow = 24h\n", NULL);
    check(state, "[glance]\nfeed_interval = 1ms\n[resume]\nwindow = 0\n", NULL);
}

/* A configuration of a cluster, and its key file of this mode. */
static void check_key(void **state, const char *key, mode_t mode, const char *fault)
{
    char text[512], problem[512];
    const char *path = scratch_file(state, "cluster.key", key);
    assert_int_equal(chmod(path, mode), 0);
    snprintf(text, sizeof text, "[cluster]\npeers = 192.0.2.12:9294\nkey_file = %s\n", path);
    snprintf(problem, sizeof problem, ":3: [cluster] key_file: ");
    size_t length = strlen(problem);
    for (const char *at = fault ? fault : ""; *at; at++, length = strlen(problem)) {
        char one[] = {*at, '\0'};
        snprintf(problem + length, sizeof problem - length, "%s", *at == '@' ? path : one);
    }
    check(state, text, fault ? problem : NULL);
}

static void key_of_a_cluster_is_secret(void **state)
{
    static const char key[] = "0123456789abcdef0123456789abcdef\n";
    check_key(state, key, 0600, NULL);
    check_key(state, key, 0640, NULL);
    check_key(state, key, 0644, "others may read or change @: chmod 0640 @");
    check_key(state, key, 0660, "others may read or change @: chmod 0640 @");
    check_key(state, "short\n", 0600, "@ has fewer than 32 characters: openssl rand -hex 32 > @");
    check_key(state, "two words\n", 0600, "@ has more in it than one word");
    check(state, "[cluster]\nkey_file = /nowhere/key\n",
          ":2: [cluster] key_file: /nowhere/key cannot be read: No such file or directory");
    check(state, "[cluster]\npeers = 192.0.2.12:9294\n",
          ":2: [cluster] peers: needs key_file, too");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_needs_a_key_and_a_key_a_certificate),
        TEST(client_certificates_need_their_partners),
        TEST(keystone_is_a_url),
        TEST(ciphers_are_a_priority_string),
        TEST(proxy_protocol_needs_trusted_proxies),
        TEST(port_used_twice_is_an_error),
        TEST(unix_socket_used_twice_is_an_error),
        TEST(admin_address_needs_its_own_port),
        TEST(endpoint_of_the_proxy_itself_is_an_error),
        TEST(mistake_is_reported_at_the_line_of_its_key),
        TEST(named_files_must_be_readable),
        TEST(log_file_needs_its_directory),
        TEST(spooling_needs_a_directory),
        TEST(window_has_a_byte_for_each_interval),
        TEST(key_of_a_cluster_is_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
