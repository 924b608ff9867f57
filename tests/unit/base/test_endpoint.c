/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_endpoint_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *counts; /* NULL: no good */
    } rows[] = {
        {"http://127.0.0.1:9393", "http://127.0.0.1:9393"},
        {"https://glance.example.org", "https://glance.example.org"},
        {"http://glance-1_a:9393/", "http://glance-1_a:9393"},
        {"http://glance//", "http://glance"},
        {"http://[::1]:9393", "http://[::1]:9393"},
        {"http://[::1]", "http://[::1]"},
        {"glance:9393", NULL},
        {"HTTP://glance:9393", NULL},
        {"ftp://glance", NULL},
        {"http://", NULL},
        {"http://:9393", NULL},
        {"http://glance:", NULL},
        {"http://glance:0", NULL},
        {"http://glance:65536", NULL},
        {"http://glance:9393x", NULL},
        {"http://glance:999999999999", NULL},
        {"http://glance/image", NULL},
        {"http://glance:9393/v2", NULL},
        {"http://glance?x", NULL},
        {"http://glance#x", NULL},
        {"http://user:secret@glance", NULL},
        {"http://gla nce", NULL},
        {"http://[::1", NULL},
        {"http://[glance]", NULL},
        {"http://[]", NULL},
        {"unix:/run/glance.sock", NULL}, /* not for a bucket */
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = 0;
        const char *fault = endpoint_fault(rows[i].text, &length);
        if (!fault != !!rows[i].counts)
            fail_msg("'%s': %s", rows[i].text, fault ? fault : "taken");
        if (rows[i].counts) {
            assert_int_equal(length, strlen(rows[i].counts));
            assert_memory_equal(rows[i].text, rows[i].counts, length);
        }
    }
}

static void a_service_may_have_a_path(void **state)
{
    (void)state;
    static const char *const good[] = {"http://k", "https://k:5000/", "https://[::1]:5000/v3",
                                       "https://k/identity/v3"};
    static const char *const bad[] = {"k",
                                      "https://k?v3",
                                      "https://k/v3?x",
                                      "https://k/v3#x",
                                      "https://u:p@k/v3",
                                      "https://k:5000x",
                                      "unix:/run/k"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(service_url_fault(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(service_url_fault(bad[i]));
}

static void unix_sockets_have_an_absolute_path(void **state)
{
    (void)state;
    char longest[109] = "/";
    memset(longest + 1, 'x', 106);
    assert_null(unix_path_fault(longest));
    longest[107] = 'x';
    static const char relative[] =
        "is not unix: with an absolute path behind it, such as unix:/run/glance.sock";
    static const char odd[] = "has a quote, a backslash or a control character in its path";
    const struct {
        const char *path, *fault;
    } rows[] = {
        {"/run/glance.sock", NULL},
        {"/a b", NULL},
        {"", relative},
        {"run/glance.sock", relative},
        {"//", "is a directory"},
        {"/", "is a directory"},
        {"/run/", "is a directory"},
        {longest, "has a path of more than 107 bytes"},
        {"/a\"b", odd},
        {"/a\\b", odd},
        {"/a\tb", odd},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *fault = unix_path_fault(rows[i].path);
        assert_int_equal(!fault, !rows[i].fault);
        if (fault)
            assert_string_equal(fault, rows[i].fault);
    }
}

static void only_unix_addresses_have_a_path(void **state)
{
    (void)state;
    assert_string_equal(unix_path("unix:/run/a"), "/run/a");
    assert_string_equal(unix_path("unix:"), "");
    assert_null(unix_path("http://unix:1"));
    assert_null(unix_path("127.0.0.1:80"));
    assert_null(unix_path("uni"));
    assert_null(unix_path("UNIX:/a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_may_have_a_path),
        cmocka_unit_test(unix_sockets_have_an_absolute_path),
        cmocka_unit_test(only_unix_addresses_have_a_path),
        cmocka_unit_test(an_endpoint_is_scheme_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
