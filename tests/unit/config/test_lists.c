/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const struct setting_kind *kind;
    const char *text;
    const char *printed;
    const char *why;
} rows[] = {
    {&kind_binds, "0.0.0.0:9292", "0.0.0.0:9292", NULL},
    {&kind_binds, "0.0.0.0:9292,[::]:9292 ,", "0.0.0.0:9292, [::]:9292", NULL},
    {&kind_binds, "", NULL, "must be set"},
    {&kind_binds, "0.0.0.0:1,,0.0.0.0:2", NULL, "there is nothing between two commas"},
    {&kind_binds, "0.0.0.0:1, x:2", NULL,
     "'x:2' is not ADDRESS:PORT, such as 0.0.0.0:9292 or [::]:9292"},
    {&kind_endpoints, "http://a:1", "http://a:1", NULL},
    {&kind_endpoints, "http://a:1/, https://b/", "http://a:1, https://b", NULL},
    {&kind_binds, "unix:/run/a, 0.0.0.0:1", "unix:/run/a, 0.0.0.0:1", NULL},
    {&kind_binds, "unix:a", NULL,
     "'unix:a' is not unix: with an absolute path behind it, such as unix:/run/glance.sock"},
    {&kind_endpoints, "unix:/run/glance.sock, http://b", "unix:/run/glance.sock, http://b", NULL},
    {&kind_endpoints, "unix:/run/", NULL, "'unix:/run/' is a directory"},
    {&kind_endpoints, " ", NULL, "must be set"},
    {&kind_endpoints, "a:1", NULL, "'a:1' is not a URL beginning with http:// or https://"},
    {&kind_endpoints, "http://a:1, http://admin:secret@b", NULL,
     "'...' has no port from 1 to 65535 behind its colon"},
    {&kind_peers, "", "", NULL},
    {&kind_peers, "192.0.2.12:9294, [::1]:1, b:2", "192.0.2.12:9294, [::1]:1, b:2", NULL},
    {&kind_peers, "192.0.2.12", NULL,
     "'192.0.2.12' is not HOST:PORT, such as 192.0.2.12:9294 or [2001:db8::12]:9294"},
    {&kind_peers, "http://a:1", NULL,
     "'http://a:1' is not HOST:PORT, such as 192.0.2.12:9294 or [2001:db8::12]:9294"},
    {&kind_peers, "a:x", NULL,
     "'a:x' is not HOST:PORT, such as 192.0.2.12:9294 or [2001:db8::12]:9294"},
    {&kind_peers, "a:99999", NULL, "'a:99999' has no port from 1 to 65535 behind its colon"},
    {&kind_networks, "", "", NULL},
    {&kind_networks, "10.0.0.0/8,::1", "10.0.0.0/8, ::1/128", NULL},
    {&kind_networks, "unix:, ::1", "::1/128, unix:", NULL},
    {&kind_networks, "unix:", "unix:", NULL},
    {&kind_networks, "unix:/run/a", NULL,
     "'unix:/run/a' is not a network, such as 10.0.0.0/8 or 2001:db8::/32"},
    {&kind_networks, "10.0.0.0/8, x", NULL,
     "'x' is not a network, such as 10.0.0.0/8 or 2001:db8::/32"},
};

static const struct setting any = {.section = "s", .key = "k"};

static void lists_are_read_and_printed_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings settings = {0};
        struct buffer text;
        buffer_init(&text, SETTINGS_WHY_MAX);
        bool good = rows[i].kind->read(&any, rows[i].text, &settings, &text);
        assert_int_equal(good, rows[i].printed != NULL);
        if (good)
            rows[i].kind->print(&any, &settings, &text);
        assert_string_equal(buffer_text(&text), good ? rows[i].printed : rows[i].why);
        rows[i].kind->clear(&any, &settings);
        buffer_free(&text);
    }
}

static void endpoints_are_bounded(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct buffer text;
    buffer_init(&text, SETTINGS_WHY_MAX);
    char list[512] = "http://a";
    for (int i = 1; i < ENDPOINTS_MAX; i++)
        strcat(list, ", http://a");
    assert_true(kind_endpoints.read(&any, list, &settings, &text));
    assert_int_equal(settings.glance.endpoint_count, ENDPOINTS_MAX);
    assert_false(kind_endpoints.read(&any, strcat(list, ", http://a"), &settings, &text));
    assert_string_equal(buffer_text(&text), "there are more than 16 items");
    kind_endpoints.clear(&any, &settings);
    buffer_free(&text);
}

static void good_list_replaces_the_one_before(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct buffer text;
    buffer_init(&text, SETTINGS_WHY_MAX);
    assert_true(kind_binds.read(&any, "0.0.0.0:1, 0.0.0.0:2", &settings, &text));
    assert_true(kind_endpoints.read(&any, "http://a, http://b", &settings, &text));
    assert_true(kind_networks.read(&any, "10.0.0.0/8, ::1", &settings, &text));

    assert_false(kind_binds.read(&any, "0.0.0.0:3, x", &settings, &text));
    assert_false(kind_endpoints.read(&any, "http://c, x", &settings, &text));
    assert_false(kind_networks.read(&any, "::2, x", &settings, &text));
    assert_int_equal(settings.listen.bind_count, 2);
    assert_int_equal(settings.glance.endpoint_count, 2);
    assert_int_equal(settings.listen.trusted_proxies.count, 2);

    assert_true(kind_binds.read(&any, "0.0.0.0:3", &settings, &text));
    assert_true(kind_endpoints.read(&any, "http://c", &settings, &text));
    assert_true(kind_networks.read(&any, "", &settings, &text));
    assert_int_equal(settings.listen.bind_count, 1);
    assert_string_equal(settings.listen.binds[0].text, "0.0.0.0:3");
    assert_int_equal(settings.glance.endpoint_count, 1);
    assert_string_equal(settings.glance.endpoints[0], "http://c");
    assert_int_equal(settings.listen.trusted_proxies.count, 0);

    kind_binds.clear(&any, &settings);
    kind_endpoints.clear(&any, &settings);
    kind_networks.clear(&any, &settings);
    buffer_free(&text);
}

static void a_list_has_a_maximum(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct buffer list;
    struct buffer why;
    buffer_init(&list, 65536);
    buffer_init(&why, SETTINGS_WHY_MAX);
    for (int i = 0; i < SETTINGS_LIST_MAX; i++)
        assert_true(buffer_print(&list, "10.0.0.%d,", i));
    assert_true(kind_networks.read(&any, buffer_text(&list), &settings, &why));
    assert_true(buffer_print(&list, "10.0.1.0"));
    assert_false(kind_networks.read(&any, buffer_text(&list), &settings, &why));
    assert_string_equal(buffer_text(&why), "there are more than 64 items");
    kind_networks.clear(&any, &settings);
    buffer_free(&list);
    buffer_free(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_and_printed_or_refused),
        cmocka_unit_test(good_list_replaces_the_one_before),
        cmocka_unit_test(endpoints_are_bounded),
        cmocka_unit_test(a_list_has_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
