/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/networks.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { FIELDS_MAX = 4 };

#define TRUSTED   "10.0.0.1"
#define UNTRUSTED "192.0.2.99"

static const struct row {
    const char *why;
    const char *peer;
    struct header fields[FIELDS_MAX]; /* beside "Host: own:9292" */
    struct origin wanted;
} rows[] = {
    {"nothing told", UNTRUSTED, {{0}}, {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"nothing told by a trusted one", TRUSTED, {{0}}, {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"told by somebody",
     UNTRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", "evil"},
      {"X-Forwarded-Prefix", "/evil"}},
     {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"told by somebody in the other dialect",
     UNTRUSTED,
     {{"Forwarded", "for=198.51.100.7;proto=https;host=evil"}},
     {UNTRUSTED, "http", "own:9292", "", UNTRUSTED}},
    {"told by a trusted one",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7"},
      {"X-Forwarded-Proto", "HTTPS"},
      {"X-Forwarded-Host", "images.example.org:8443"},
      {"X-Forwarded-Prefix", "/image/"}},
     {"198.51.100.7", "https", "images.example.org:8443", "/image", "198.51.100.7, " TRUSTED}},
    {"underscores are as good",
     TRUSTED,
     {{"x_forwarded_proto", "https"}, {"X_Forwarded_Host", "h"}},
     {TRUSTED, "https", "h", "", TRUSTED}},
    {"several proxies",
     TRUSTED,
     {{"X-Forwarded-For", "203.0.113.66, 198.51.100.7"}, {"X-Forwarded-For", "10.0.0.2"}},
     {"198.51.100.7", "http", "own:9292", "", "203.0.113.66, 198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"all of them trusted",
     TRUSTED,
     {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}},
     {"10.0.0.3", "http", "own:9292", "", "10.0.0.3, 10.0.0.2, " TRUSTED}},
    {"what stands left of a gap is nobody's word",
     TRUSTED,
     {{"X-Forwarded-For", "198.51.100.7, unknown, 10.0.0.2"}},
     {"10.0.0.2", "http", "own:9292", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"ports and brackets",
     TRUSTED,
     {{"X-Forwarded-For", "[2001:db8::7]:4711, 10.0.0.2:80"}},
     {"2001:db8::7", "http", "own:9292", "", "2001:db8::7, 10.0.0.2, " TRUSTED}},
    {"the first proto and host",
     TRUSTED,
     {{"X-Forwarded-Proto", "https, http"}, {"X-Forwarded-Host", "a, b"}},
     {TRUSTED, "https", "a", "", TRUSTED}},
    {"http to the proxy nearest to the client",
     TRUSTED,
     {{"X-Forwarded-Proto", "http"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"Forwarded",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7;Proto=https;host=\"images.example.org:8443\""}},
     {"198.51.100.7", "https", "images.example.org:8443", "", "198.51.100.7, " TRUSTED}},
    {"Forwarded's quoted address",
     TRUSTED,
     {{"Forwarded", "by=x; FOR=\"[2001:db8::7]:4711\" , for=10.0.0.2"}},
     {"2001:db8::7", "http", "own:9292", "", "2001:db8::7, 10.0.0.2, " TRUSTED}},
    {"Forwarded takes the place of the others",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7"},
      {"X-Forwarded-For", "203.0.113.66"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", "other"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"only its first element has the host",
     TRUSTED,
     {{"Forwarded", "for=_hidden, for=198.51.100.7;host=second;proto=https"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"a name that begins alike",
     TRUSTED,
     {{"Forwarded", "hosts=a;xhost=b;host"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"nonsense",
     TRUSTED,
     {{"X-Forwarded-For", ",, \"x"},
      {"X-Forwarded-Proto", "gopher"},
      {"X-Forwarded-Host", "a/b"},
      {"X-Forwarded-Prefix", "//evil"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"nonsense in Forwarded",
     TRUSTED,
     {{"Forwarded", "host=\"a\\\"b\";proto=;for=\"\\"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"a prefix with more than names in it",
     TRUSTED,
     {{"X-Forwarded-Prefix", "/a?b"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
    {"the root as prefix",
     TRUSTED,
     {{"X-Forwarded-Prefix", "/"}},
     {TRUSTED, "http", "own:9292", "", TRUSTED}},
};

static void check(const struct row *row, const struct networks *trusted)
{
    print_message("%s\n", row->why);
    struct headers headers = {0};
    struct origin origin;
    assert_true(headers_add(&headers, "Host", "own:9292"));
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name; i++)
        assert_true(headers_add(&headers, row->fields[i].name, row->fields[i].value));
    assert_true(origin_find(&headers, row->peer, false, trusted, &origin));
    assert_string_equal(origin.address, row->wanted.address);
    assert_string_equal(origin.proto, row->wanted.proto);
    assert_string_equal(origin.host, row->wanted.host);
    assert_string_equal(origin.prefix, row->wanted.prefix);
    assert_string_equal(origin.forwarded_for, row->wanted.forwarded_for);
    origin_free(&origin);
    headers_free(&headers);
}

static void only_a_trusted_proxy_speaks_for_the_client(void **state)
{
    (void)state;
    struct networks trusted = {0};
    assert_true(networks_add(&trusted, "10.0.0.0/8"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], &trusted);
    networks_free(&trusted);
}

static void what_is_not_known_is_empty(void **state)
{
    (void)state;
    struct networks nobody = {0};
    struct headers none = {0};
    struct origin origin;
    assert_true(origin_find(&none, "", true, &nobody, &origin));
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
        cmocka_unit_test(only_a_trusted_proxy_speaks_for_the_client),
        cmocka_unit_test(what_is_not_known_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
