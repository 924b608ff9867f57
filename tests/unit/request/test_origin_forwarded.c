/* SPDX-License-Identifier: Apache-2.0 */
/* With forwarded_header = forwarded. */
#include "intake/networks.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "origin_rows.h"

/* With forwarded_header = forwarded. */
static const struct row forwarded_rows[] = {
    {"all of it",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7;Proto=https;host=\"images.example.org:8443\""}},
     {"198.51.100.7", "https", "images.example.org:8443", "", "198.51.100.7, " TRUSTED}},
    {"a quoted address",
     TRUSTED,
     {{"Forwarded", "by=x; FOR=\"[2001:db8::7]:4711\" , for=10.0.0.2"}},
     {"2001:db8::7", "http", "own:9292", "", "2001:db8::7, 10.0.0.2, " TRUSTED}},
    {"the others are a client's",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7"},
      {"X-Forwarded-For", "10.9.9.9"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", "other"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"the others alone",
     TRUSTED,
     {{"X-Forwarded-For", "10.9.9.9"}, {"X-Forwarded-Prefix", "/image"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"what a client says of itself",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9;host=evil;proto=https"}, {"Forwarded", "for=198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"a client's open quote ends with its field",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9;host=\""}, {"Forwarded", "for=198.51.100.7"}},
     {"198.51.100.7", "http", "own:9292", "", "198.51.100.7, " TRUSTED}},
    {"the proxy nearest to the client has the host",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7;host=a;proto=https, for=10.0.0.2;host=b;proto=http"}},
     {"198.51.100.7", "https", "a", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"unless it does not tell",
     TRUSTED,
     {{"Forwarded", "for=198.51.100.7, for=10.0.0.2;host=b;proto=https"}},
     {"198.51.100.7", "https", "b", "", "198.51.100.7, 10.0.0.2, " TRUSTED}},
    {"a made-up name is a gap",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9, for=_hidden, for=10.0.0.2;host=second;proto=https"}},
     {"", "https", "second", "", "10.0.0.2, " TRUSTED}},
    {"so is unknown",
     TRUSTED,
     {{"Forwarded", "for=unknown"}},
     {"", "http", "own:9292", "", TRUSTED}},
    {"and an element without for",
     TRUSTED,
     {{"Forwarded", "for=10.9.9.9, hosts=a;xhost=b"}},
     {"", "http", "own:9292", "", TRUSTED}},
};

static void forwarded_counts_only_of_trusted_proxies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forwarded_rows / sizeof *forwarded_rows; i++)
        check(&forwarded_rows[i], true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwarded_counts_only_of_trusted_proxies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
