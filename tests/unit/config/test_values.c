/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static void booleans_are_the_words_of_oslo(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        bool value;
    } rows[] = {
        {"true", true, true}, {"True", true, true},   {"yes", true, true},
        {"ON", true, true},   {"1", true, true},      {"false", true, false},
        {"no", true, false},  {"Off", true, false},   {"0", true, false},
        {"", false, false},   {"2", false, false},    {"tru", false, false},
        {"t", false, false},  {"nope", false, false}, {"true ", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool value = !rows[i].value;
        assert_int_equal(value_boolean(rows[i].text, &value), rows[i].good);
        assert_int_equal(value, rows[i].good ? rows[i].value : !rows[i].value);
    }
}

static void counts_are_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"42", true, 42},
        {"007", true, 7},
        {"999999999999999999", true, UINT64_C(999999999999999999)},
        {"1000000000000000000", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1.5", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        assert_int_equal(value_count(rows[i].text, &value), rows[i].good);
        assert_int_equal(value, rows[i].value);
    }
}

static void an_address_to_listen_on_is_numeric_with_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int family; /* 0: no good */
    } rows[] = {
        {"0.0.0.0:9292", AF_INET},
        {"127.0.0.1:1", AF_INET},
        {"127.0.0.1:65535", AF_INET},
        {"[::]:9292", AF_INET6},
        {"[2001:db8::1]:443", AF_INET6},
        {"[1111:2222:3333:4444:5555:6666:7777:8888]:443", AF_INET6},
        {"unix:/run/a.sock", AF_UNIX},
        {"unix:a.sock", 0},
        {"unix:", 0},
        {"unix:/", 0},
        {"127.0.0.1", 0},
        {"127.0.0.1:", 0},
        {"127.0.0.1:0", 0},
        {"127.0.0.1:65536", 0},
        {"127.0.0.1:99999999999", 0},
        {"127.0.0.1:80x", 0},
        {"127.0.0.1:-1", 0},
        {"127.1:80", 0},
        {"localhost:80", 0},
        {"*:80", 0},
        {":80", 0},
        {"80", 0},
        {"", 0},
        {"::1:80", 0},
        {"[::1]", 0},
        {"[::1]80", 0},
        {"[::1:80", 0},
        {"[127.0.0.1]:80", 0},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:443", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bind_address bind = {0};
        const char *fault = value_bind(rows[i].text, &bind);
        if (!fault != (rows[i].family != 0))
            fail_msg("'%s': %s", rows[i].text, fault ? fault : "taken");
        assert_int_equal(bind.address.ss_family, rows[i].family);
    }
}

static void an_address_to_listen_on_is_ready_for_bind(void **state)
{
    (void)state;
    struct bind_address bind = {0};
    assert_null(value_bind("192.0.2.7:9292", &bind));
    const struct sockaddr_in *in = (const struct sockaddr_in *)&bind.address;
    assert_int_equal(bind.length, sizeof *in);
    assert_int_equal(ntohs(in->sin_port), 9292);
    assert_int_equal(ntohl(in->sin_addr.s_addr), 0xc0000207);

    assert_null(value_bind("[::1]:9294", &bind));
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&bind.address;
    assert_int_equal(bind.length, sizeof *in6);
    assert_int_equal(ntohs(in6->sin6_port), 9294);
    assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
}

static void a_unix_socket_is_ready_for_bind(void **state)
{
    (void)state;
    struct bind_address bind = {0};
    assert_null(value_bind("unix:/run/a.sock", &bind));
    assert_int_equal(bind.length, sizeof(struct sockaddr_un));
    assert_string_equal(((const struct sockaddr_un *)&bind.address)->sun_path, "/run/a.sock");
}

static void a_list_is_split_at_commas(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *items[4]; /* up to NULL */
    } rows[] = {
        {"", {NULL}},
        {" \t ", {NULL}},
        {"a", {"a", NULL}},
        {" a , b\t,c ", {"a", "b", "c", NULL}},
        {"a b,c", {"a b", "c", NULL}},
        {"a,,b", {"a", "", "b", NULL}},
        {",a", {"", "a", NULL}},
        {"a,", {"a", NULL}},
        {"a, ", {"a", NULL}},
        {",", {"", NULL}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *cursor = rows[i].text;
        const char *item;
        size_t length;
        size_t count = 0;
        for (; value_next_item(&cursor, &item, &length); count++) {
            const char *expected = rows[i].items[count] ? rows[i].items[count] : "one too many";
            assert_int_equal(length, strlen(expected));
            assert_memory_equal(item, expected, length);
        }
        assert_null(rows[i].items[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans_are_the_words_of_oslo),
        cmocka_unit_test(counts_are_digits),
        cmocka_unit_test(an_address_to_listen_on_is_numeric_with_a_port),
        cmocka_unit_test(an_address_to_listen_on_is_ready_for_bind),
        cmocka_unit_test(a_unix_socket_is_ready_for_bind),
        cmocka_unit_test(a_list_is_split_at_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
