/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/un.h>

#include <cmocka.h>

static void only_networks_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"10.0.0.0/8", true},
        {"192.0.2.7", true},
        {"0.0.0.0/0", true},
        {"192.0.2.7/32", true},
        {"::1", true},
        {"2001:db8::/32", true},
        {"::/0", true},
        {"::1/128", true},
        {"::ffff:10.0.0.0/104", true},
        {"10.0.0.0/33", false},
        {"::/129", false},
        {"10.0.0.0/", false},
        {"10.0.0.0/-1", false},
        {"10.0.0.0/+8", false},
        {"10.0.0.0/8 ", false},
        {"10.0.0.0/0008", false},
        {"10.0.0.0/8/8", false},
        {"10.0/16", false},
        {"10", false},
        {"localhost", false},
        {"fe80::1%lo", false},
        {"[::1]", false},
        {"", false},
        {"/8", false},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct networks networks = {0};
        assert_int_equal(networks_add(&networks, rows[i].text), rows[i].good);
        assert_int_equal(networks.count, rows[i].good);
        networks_free(&networks);
    }
}

static void an_address_is_in_or_out(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *address;
        bool in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "::1", false},
        {"10.0.0.0/8", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.0/104", "10.0.0.1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"10.0.0.0/8", "10.0.0.1:80", false},
        {"10.0.0.0/8", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct networks networks = {0};
        assert_true(networks_add(&networks, "203.0.113.99"));
        assert_true(networks_add(&networks, rows[i].network));
        if (networks_have(&networks, rows[i].address) != rows[i].in)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
        networks_free(&networks);
    }
}

static void empty_list_contains_no_address(void **state)
{
    (void)state;
    struct networks networks = {0};
    assert_false(networks_have(&networks, "127.0.0.1"));
}

static void networks_have_a_maximum(void **state)
{
    (void)state;
    struct networks networks = {0};
    size_t taken = 0;
    while (taken < 100000 && networks_add(&networks, "192.0.2.7"))
        taken++;
    assert_int_equal(taken, 4096);
    assert_int_equal(networks.count, 4096);
    networks_free(&networks);
}

static void a_network_is_written_as_it_was_read(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::1", "::1/128"},
        {"::/0", "::/0"},
        {"::ffff:10.0.0.0/64", "::ffff:10.0.0.0/64"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct networks networks = {0};
        char text[ADDRESS_TEXT_MAX];
        assert_true(networks_add(&networks, pairs[i][0]));
        network_text(&networks.rows[0], text);
        assert_string_equal(text, pairs[i][1]);
        networks_free(&networks);
    }
}

static void addresses_are_written_without_port(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &in.sin_addr), 1);
    address_text((const struct sockaddr *)&in, text);
    assert_string_equal(text, "192.0.2.7");

    static const char *const pairs[][2] = {
        {"2001:db8::7", "2001:db8::7"}, {"::ffff:192.0.2.7", "192.0.2.7"}, {"::1", "::1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
        assert_int_equal(inet_pton(AF_INET6, pairs[i][0], &in6.sin6_addr), 1);
        address_text((const struct sockaddr *)&in6, text);
        assert_string_equal(text, pairs[i][1]);
    }

    struct sockaddr_un un = {.sun_family = AF_UNIX};
    address_text((const struct sockaddr *)&un, text);
    assert_string_equal(text, "");
}

static void an_address_is_numeric_and_bare(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1", "::1", "2001:db8::1"};
    static const char *const bad[] = {"",      "localhost", "127.1", "127.0.0.1:80",
                                      "[::1]", "10.0.0.0/8"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(address_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(address_valid(bad[i]));
}

static void an_address_has_one_usual_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"192.0.2.7", "192.0.2.7"},
                                          {"::FFFF:192.0.2.7", "192.0.2.7"},
                                          {"2001:0DB8:0:0:0:0:0:7", "2001:db8::7"}};
    char out[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(address_normal(rows[i][0], out));
        assert_string_equal(out, rows[i][1]);
    }
    assert_false(address_normal("localhost", out));
    assert_string_equal(out, rows[2][1]);
}

static void peers_on_unix_sockets_are_listed_apart(void **state)
{
    (void)state;
    struct networks networks = {0};
    assert_true(networks_add(&networks, "10.0.0.0/8"));
    assert_true(networks_have_peer(&networks, "10.1.1.1"));
    assert_false(networks_have_peer(&networks, ""));
    networks.unix_sockets = true;
    assert_true(networks_have_peer(&networks, ""));
    assert_false(networks_have_peer(&networks, "192.0.2.1"));
    assert_false(networks_have(&networks, ""));
    networks_free(&networks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_on_unix_sockets_are_listed_apart),
        cmocka_unit_test(only_networks_are_taken),
        cmocka_unit_test(an_address_is_in_or_out),
        cmocka_unit_test(empty_list_contains_no_address),
        cmocka_unit_test(networks_have_a_maximum),
        cmocka_unit_test(a_network_is_written_as_it_was_read),
        cmocka_unit_test(addresses_are_written_without_port),
        cmocka_unit_test(an_address_is_numeric_and_bare),
        cmocka_unit_test(an_address_has_one_usual_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
