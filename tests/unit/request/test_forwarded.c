/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void node_is_an_address(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"192.0.2.7:4711", "192.0.2.7"},
        {"192.0.2.7:_port", "192.0.2.7"},
        {"2001:db8::7", "2001:db8::7"},
        {"2001:DB8:0:0::7", "2001:db8::7"},
        {"[2001:db8::7]", "2001:db8::7"},
        {"[2001:db8::7]:65535", "2001:db8::7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"[::ffff:192.0.2.7]:1", "192.0.2.7"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char address[ADDRESS_TEXT_MAX];
        assert_int_equal(node_read(span_of(rows[i][0]), address), NODE_ADDRESS);
        assert_string_equal(address, rows[i][1]);
    }
}

static void node_may_be_hidden(void **state)
{
    (void)state;
    static const char *const rows[] = {"",   "unknown",     "UNKNOWN",      "unknown:80",
                                       "_a", "_Hi.dd_en-1", "_hidden:_port"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char address[ADDRESS_TEXT_MAX] = "x";
        assert_int_equal(node_read(span_of(rows[i]), address), NODE_HIDDEN);
        assert_string_equal(address, "");
    }
}

static void node_may_be_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "localhost",
        "192.0.2",
        "192.0.2.07",
        "192.0.2.7:",
        "192.0.2.7:x",
        "192.0.2.7:-1",
        "192.0.2.7:123456",
        "[192.0.2.7]",
        "[2001:db8::7",
        "2001:db8::7]",
        "[]",
        "[2001:db8::7]80",
        "[2001:db8::7]:",
        "\"192.0.2.7\"",
        "192.0.2.7 ",
        "_",
        "_a~b",
        "_a b",
        "unknown:",
        "fe80::1%eth0",
        "10.0.0.0/8",
        "[[::1]]",
        ":80",
        "192.0.2.7\t",
        "0x7f.0.0.1",
        "2001:db8::7:4711:1:2:3:4:5:6",
        "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char address[ADDRESS_TEXT_MAX] = "x";
        print_message("%s\n", rows[i]);
        assert_int_equal(node_read(span_of(rows[i]), address), NODE_UNREADABLE);
        assert_string_equal(address, "");
    }
}

static const struct row {
    const char *element;
    struct forwarded wanted;
} good[] = {
    {"for=192.0.2.7", {.node = "192.0.2.7"}},
    {"FOR=192.0.2.7;PROTO=https;Host=h", {"192.0.2.7", "https", "h"}},
    {"by=_x;for=\"[2001:db8::7]:4711\"", {.node = "[2001:db8::7]:4711"}},
    {"for=[2001:db8::7]:4711", {.node = "[2001:db8::7]:4711"}},
    {"for=\"19\\2.0.2.7\"", {.node = "192.0.2.7"}},
    {"host=\"a;b,c\" ; for=_x ;", {.node = "_x", .host = "a;b,c"}},
    {";;secret=abc==;for=_x", {.node = "_x"}},
    {"proto=a-very-long-scheme", {.proto = ""}},
    {"fo=192.0.2.7;forr=192.0.2.8", {.node = ""}},
    {"", {.node = ""}},
    {";", {.node = ""}},
};

static void an_element_has_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct forwarded said;
        print_message("%s\n", good[i].element);
        assert_true(forwarded_read(span_of(good[i].element), &said));
        assert_string_equal(said.node, good[i].wanted.node);
        assert_string_equal(said.proto, good[i].wanted.proto);
        assert_string_equal(said.host, good[i].wanted.host);
    }
}

/* The text after the element is not read. */
static void truncated_element_is_malformed(void **state)
{
    (void)state;
    static const char text[] = "for=\"a\";host=b";
    struct forwarded said;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        bool whole = !length || length == strlen("for=\"a\"") || length == strlen("for=\"a\";") ||
                     length == strlen(text);
        assert_int_equal(forwarded_read((struct span){text, length}, &said), whole);
    }
}

static void malformed_element_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "192.0.2.7",       "for",           "for=",       "for=;host=h", "=a",
        "for=a;for=b",     "for=\"a",       "for=\"a\"b", "for=\"a\\",   "for=a b",
        "for =a",          "for= a",        "for=a\\b",   "f\"or=a",     "host=a;HOST=b",
        "proto=a;proto=a", "for=\"a\" x=b", "x=\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct forwarded said;
        print_message("%s\n", bad[i]);
        assert_false(forwarded_read(span_of(bad[i]), &said));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_is_an_address),
        cmocka_unit_test(node_may_be_hidden),
        cmocka_unit_test(node_may_be_malformed),
        cmocka_unit_test(an_element_has_parameters),
        cmocka_unit_test(truncated_element_is_malformed),
        cmocka_unit_test(malformed_element_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
