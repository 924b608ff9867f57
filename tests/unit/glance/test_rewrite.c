/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/request.h"
#include "intake/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct origin PLAIN = {"192.0.2.7", "http", "images.example.org:9292", "", ""};
static const struct origin SECURE = {"192.0.2.7", "https", "images.example.org", "/image", ""};
static const struct origin UNKNOWN = {"192.0.2.7", "http", "", "", ""};

#define DOCUMENT(href)                                                                             \
    "{\"versions\": [{\"id\": \"v2.15\", \"status\": \"CURRENT\", \"links\": [{\"rel\": "          \
    "\"self\", \"href\": \"" href "\"}]}, {\"id\": \"v2.10\", \"links\": [{\"rel\": \"self\", "    \
    "\"href\": \"" href "\"}]}]}"

static const struct {
    const char *json;
    const struct origin *seen;
    const char *wanted; /* NULL: left as it is */
} documents[] = {
    {DOCUMENT("http://127.0.0.1:9393/v2/"), &PLAIN, DOCUMENT("http://images.example.org:9292/v2/")},
    {DOCUMENT("http://127.0.0.1:9393/v2/"), &SECURE,
     DOCUMENT("https://images.example.org/image/v2/")},
    {DOCUMENT("https://public.example.org/some/where/v2/"), &PLAIN,
     DOCUMENT("http://images.example.org:9292/v2/")},
    {DOCUMENT("http://127.0.0.1:9393/v2"), &PLAIN, DOCUMENT("http://images.example.org:9292/v2")},
    {DOCUMENT("http://images.example.org:9292/v2/"), &PLAIN, NULL},
    {DOCUMENT("http://127.0.0.1:9393/v2/"), &UNKNOWN, NULL},
    {DOCUMENT("/v2/"), &PLAIN, NULL},
    {DOCUMENT("http://127.0.0.1:9393"), &PLAIN, NULL},
    {DOCUMENT("http://127.0.0.1:9393/"), &PLAIN, NULL},
    {DOCUMENT("http://127.0.0.1:9393//"), &PLAIN, NULL},
    {DOCUMENT("ftp://127.0.0.1/v2/"), &PLAIN, NULL},
    {"{\"versions\": [{\"links\": [{\"rel\": \"describedby\", \"href\": \"http://g/v2/\"}]}]}",
     &PLAIN, NULL},
    {"{\"versions\": [{\"links\": [{\"rel\": \"self\"}, 5, null, {\"href\": \"http://g/v2/\"}]}]}",
     &PLAIN, NULL},
    {"{\"versions\": {\"links\": []}}", &PLAIN, NULL},
    {"{\"versions\": [5, [], {\"links\": 5}]}", &PLAIN, NULL},
    {"{\"versions\": [], \"versions\": [{\"links\": [{\"rel\": \"self\", \"href\": "
     "\"http://g/v2/\"}]}]}",
     &PLAIN, NULL},
    {"{\"message\": \"http://127.0.0.1:9393/v2/\"}", &PLAIN, NULL},
    {"<html>http://127.0.0.1:9393/v2/</html>", &PLAIN, NULL},
    {"[]", &PLAIN, NULL},
    {"", &PLAIN, NULL},
};

static void version_documents_point_to_the_proxy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        const char *json = documents[i].json;
        bool changed = rewrite_versions(json, strlen(json), documents[i].seen, &out);
        if (changed != (documents[i].wanted != NULL))
            fail_msg("%s: %s", json, buffer_text(&out));
        assert_string_equal(buffer_text(&out), changed ? documents[i].wanted : "");
        buffer_free(&out);
    }
}

static const char *const ENDPOINTS[] = {"http://127.0.0.1:9393", "https://glance.internal"};

#define PATH "/v2/images/7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11"

static const struct {
    const char *location;
    const struct origin *seen;
    const char *wanted; /* NULL: left as it is */
} locations[] = {
    /* One of Glance's endpoints. */
    {"http://127.0.0.1:9393" PATH, &PLAIN, "http://images.example.org:9292" PATH},
    {"http://127.0.0.1:9393" PATH, &SECURE, "https://images.example.org/image" PATH},
    {"HTTPS://GLANCE.internal:443" PATH "?x=y", &PLAIN,
     "http://images.example.org:9292" PATH "?x=y"},
    /* Behind a TLS terminator, Glance does not know about TLS. */
    {"http://glance.internal" PATH, &PLAIN, "http://images.example.org:9292" PATH},
    {"http://127.0.0.1:9393", &PLAIN, "http://images.example.org:9292"},
    /* The Host that Glance was sent. */
    {"http://images.example.org" PATH, &SECURE, "https://images.example.org/image" PATH},
    {"http://images.example.org:80" PATH, &SECURE, "https://images.example.org/image" PATH},
    {"https://images.example.org/image" PATH, &SECURE, NULL},
    {"https://images.example.org/image", &SECURE, NULL},
    {"https://images.example.org/image?x", &SECURE, NULL},
    {"https://images.example.org/images" PATH, &SECURE,
     "https://images.example.org/image/images" PATH},
    {"http://images.example.org:9292" PATH, &PLAIN, NULL},
    {"https://images.example.org:9292" PATH, &PLAIN, "http://images.example.org:9292" PATH},
    /* Another server's, or no absolute URL. */
    {"http://127.0.0.1:9394" PATH, &PLAIN, NULL},
    {"http://127.0.0.1" PATH, &PLAIN, NULL},
    {"http://127.0.0.1:93930" PATH, &PLAIN, NULL},
    {"http://u@127.0.0.1:9393" PATH, &PLAIN, NULL},
    {"https://s3.example.org/bucket/x", &PLAIN, NULL},
    {PATH, &PLAIN, NULL},
    {"//127.0.0.1:9393" PATH, &PLAIN, NULL},
    {"s3://127.0.0.1:9393" PATH, &PLAIN, NULL},
    {"", &PLAIN, NULL},
    {"http://", &PLAIN, NULL},
    {"http://127.0.0.1:9393" PATH, &UNKNOWN, NULL},
};

static void location_header_points_to_the_proxy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        bool changed = rewrite_location(locations[i].location, locations[i].seen, ENDPOINTS,
                                        sizeof ENDPOINTS / sizeof *ENDPOINTS, &out);
        if (changed != (locations[i].wanted != NULL))
            fail_msg("%s: %s", locations[i].location, buffer_text(&out));
        assert_string_equal(buffer_text(&out), changed ? locations[i].wanted : "");
        buffer_free(&out);
    }
}

static void other_urls_are_left(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 20);
    assert_false(rewrite_location("http://127.0.0.1:9393" PATH, &PLAIN, ENDPOINTS, 2, &out));
    static const char json[] = DOCUMENT("http://127.0.0.1:9393/v2/");
    assert_false(rewrite_versions(json, strlen(json), &PLAIN, &out));
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_documents_point_to_the_proxy),
        cmocka_unit_test(location_header_points_to_the_proxy),
        cmocka_unit_test(other_urls_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
