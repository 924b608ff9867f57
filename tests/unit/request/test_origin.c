/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/networks.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "origin_rows.h"

static const struct row rows[] = {
    {"nothing told", UNTRUSTED, {{0}}, {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"a trusted host that is itself a client",
     TRUSTED,
     {{0}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"told by somebody",
     UNTRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", "evil"},
      {"X-Forwarded-Prefix", "/evil"}},
     {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"told by somebody, and it is no address",
     UNTRUSTED,
     {{"X-Forwarded-For", "nonsense"}},
     {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"told by a trusted one",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "HTTPS"},
      {"X-Forwarded-Host", "images.example.org:8443"},
      {"X-Forwarded-Prefix", "/image/"}},
     {"198.51.100.7", "https", "images.example.org:8443", "/image", "198.51.100.7, " TRUSTED}},
    {"the other header is a client's",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9;proto=https;host=evil"}, {"X-Forwarded-For", "198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"the other header alone",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9;proto=https"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"the other header is not even read",
     TRUSTED,
     {{"Forwarded", "for=\""}, {"X-Forwarded-For", "198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"no proxy writes underscores",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X_Forwarded_For", "10.9.9.9"},
      {"x_forwarded_proto", "https"},
      {"X_Forwarded_Host", "h"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"underscores alone",
     TRUSTED,
     {{"X_Forwarded_For", "10.9.9.9"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"another proxy's word for it",
     TRUSTED,
     {{"Via", "1.1 edge"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"what a client says of itself stands left of its address, and goes no further",
     TRUSTED,
     {{"X-Forwarded-For", "10.9.9.9, 198.51.100.7"}, {"X-Forwarded-For", "10.0.0.2"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"so is nonsense",
     TRUSTED,
     {{"X-Forwarded-For", "\"10.9.9.9, 198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"a field of its own is part of the list",
     TRUSTED,
     {{"X-Forwarded-For", "\"10.9.9.9"}, {"x-forwarded-for", "198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"all of them trusted",
     TRUSTED,
     {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}},
     {"10.0.0.3", "http", "own:9292", "", "10.0.0.3, 10.0.0.2, " TRUSTED}},
    {"what stands left of a gap is nobody's word",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7, unknown, 10.0.0.2"}},
     {"", "http", "own:9292", "", "10.0.0.2, " TRUSTED}},
    {"nothing at the end is a gap",
     TRUSTED,
     {{"X-Forwarded-For", "10.9.9.9,"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"so is nothing in between",
     TRUSTED,
     {{"X-Forwarded-For", "10.9.9.9, , 10.0.0.2"}},
     {"", "http", "own:9292", "", "10.0.0.2, " TRUSTED}},
    {"and a field without a value",
     TRUSTED,
     {{"X-Forwarded-For", "10.9.9.9"}, {"X-Forwarded-For", ""}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"a field without a value before that of the proxy",
     TRUSTED,
     {{"X-Forwarded-For", ""}, {"X-Forwarded-For", "198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"a made-up name",
     TRUSTED,
     {{"X-Forwarded-For", "_hidden"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"ports and brackets",
     TRUSTED,
     {{"X-Forwarded-For", "[2001:DB8::7]:4711, 10.0.0.2:80"}},
     {"2001:db8::7", "http", "own:9292", "", "2001:db8::7, 10.0.0.2, " TRUSTED}},
    {"IPv4 by way of IPv6",
     TRUSTED,
     {{"X-Forwarded-For", "::ffff:198.51.100.7, ::ffff:10.0.0.2"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"one proxy, one word: what stands left of it is the client's",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "https, http"},
      {"X-Forwarded-Host", "evil"},
      {"X-Forwarded-Host", "b"}},
     {"198.51.100.7", "http", "b", "", "198.51.100.7, " TRUSTED}},
    {"two proxies: the one nearest to the client",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7, 10.0.0.2"},
      {"X-Forwarded-Proto", "gopher, https, http"},
      {"X-Forwarded-Host", "evil, a, b"}},
     {"198.51.100.7", "https", "a", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"two proxies, one of which sets the field",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}},
     {"198.51.100.7", "https", "own:9292", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"a proxy that tells only of the connection",
     TRUSTED,
     {{"X-Forwarded-Proto", "https"}},
     {"", "https", "own:9292", "", TRUSTED}},
    {"what is not well-formed is passed over",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "gopher"},
      {"X-Forwarded-Host", "a/b"},
      {"X-Forwarded-Prefix", "//evil"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"a prefix with more than names in it",
     UNTRUSTED,
     {{"X-Forwarded-Prefix", "/a?b"}},
     {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"the root as prefix",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-Prefix", "/"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
};

/* Those that cannot be read, of a trusted peer. */
static const struct header unreadable[] = {
    {"X-Forwarded-For", "\"198.51.100.7\""},
    {"X-Forwarded-For", "198.51.100.7, \"10.0.0.2\""},
    {"X-Forwarded-For", "198.51.100.7, nonsense, 10.0.0.2"},
    {"X-Forwarded-For", "198.51.100.7 10.0.0.2"},
    {"X-Forwarded-For", "for=198.51.100.7"},
    {"X-Forwarded-For", "198.51.100.7:x"},
    {"X-Forwarded-For", "198.51.100.007"},
    {"X-Forwarded-For", "localhost"},
    {"X-Forwarded-For", "10.0.0.0/8"},
    {"Forwarded", "198.51.100.7"},
    {"Forwarded", "for=198.51.100.7;for=10.9.9.9"},
    {"Forwarded", "for=\"198.51.100.7"},
    {"Forwarded", "for=10.9.9.9, for=\", for=198.51.100.7"},
    {"Forwarded", "for=localhost"},
    {"Forwarded", "for=198.51.100.7, for="},
};

static void x_forwarded_for_counts_only_of_trusted_proxies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], false);
}

static void malformed_header_of_a_trusted_peer_is_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        struct headers headers = {0};
        struct origin origin;
        const char *fault;
        bool forwarded = strcmp(unreadable[i].name, "Forwarded") == 0;
        print_message("%s: %s\n", unreadable[i].name, unreadable[i].value);
        assert_true(headers_add(&headers, unreadable[i].name, unreadable[i].value));
        assert_true(find(&headers, TRUSTED, forwarded, &origin, &fault));
        assert_non_null(fault);
        origin_free(&origin);
        assert_true(find(&headers, UNTRUSTED, forwarded, &origin, &fault));
        assert_null(fault);
        assert_string_equal(origin.address, UNTRUSTED);
        origin_free(&origin);
        headers_free(&headers);
    }
}

static void unknown_origin_is_empty(void **state)
{
    (void)state;
    struct networks nobody = {0};
    struct headers none = {0};
    struct origin origin;
    const char *fault;
    const struct origin_facts facts = {.peer = "", .tls = true, .trusted = &nobody};
    assert_true(origin_find(&none, &facts, &origin, &fault));
    assert_null(fault);
    assert_string_equal(origin.address, "");
    assert_string_equal(origin.proto, "https");
    assert_string_equal(origin.host, "");
    assert_string_equal(origin.forwarded_for, "");
    origin_free(&origin);
    origin_free(&origin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x_forwarded_for_counts_only_of_trusted_proxies),
        cmocka_unit_test(malformed_header_of_a_trusted_peer_is_a_fault),
        cmocka_unit_test(unknown_origin_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
