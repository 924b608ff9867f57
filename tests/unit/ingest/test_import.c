/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/ingest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIRECT "\"method\": {\"name\": \"glance-direct\"}"

/* "file,test", whatever the method; "-": `stores` is not there. */
static void stores_text(const struct import_request *request, char out[256])
{
    snprintf(out, 256, "%s", request->listed ? "" : "-");
    for (size_t i = 0; i < request->store_count; i++)
        snprintf(out + strlen(out), 256 - strlen(out), "%s%s", i ? "," : "", request->stores[i]);
}

static void import_request_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *method, *stores;
        bool all;
    } rows[] = {
        {"{" DIRECT "}", "glance-direct", "-", false},
        {"{\"method\": {\"uri\": \"http://x/\", \"name\": \"web-download\"}}", "web-download", "-",
         false},
        {"{" DIRECT ", \"stores\": []}", "glance-direct", "", false},
        {"{" DIRECT ", \"stores\": [\"test\"]}", "glance-direct", "test", false},
        {"{\"stores\": [\"test\", \"file\"], " DIRECT "}", "glance-direct", "test,file", false},
        {"{\"\\u0073tores\": [\"t\\u0065st\"], " DIRECT "}", "glance-direct", "test", false},
        {"{" DIRECT ", \"stores\": [\"test\", \"test\"]}", "glance-direct", "test,test", false},
        {"{" DIRECT ", \"stores\": [\"\", \"caf\xc3\xa9\"]}", "glance-direct", ",caf\xc3\xa9",
         false},
        {"{" DIRECT ", \"all_stores\": true}", "glance-direct", "-", true},
        {"{" DIRECT ", \"all_stores\": false, \"stores\": [\"a\"]}", "glance-direct", "a", false},
        {"{" DIRECT ", \"all_stores\": true, \"stores\": [\"a\"]}", "glance-direct", "a", true},
        {"{" DIRECT ", \"all_stores_must_succeed\": \"?\", \"more\": {}}", "glance-direct", "-",
         false},
        {"{\"method\": {\"name\": \"\"}}", "", "-", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct import_request request;
        char stores[256];
        const char *fault = import_read(rows[i].text, strlen(rows[i].text), &request);
        if (fault)
            fail_msg("%s: %s", rows[i].text, fault);
        stores_text(&request, stores);
        assert_string_equal(request.method, rows[i].method);
        assert_string_equal(stores, rows[i].stores);
        assert_int_equal(request.all, rows[i].all);
        import_request_free(&request);
    }
}

static void ambiguous_import_is_refused(void **state)
{
    (void)state;
    static const char none[] = "it is no JSON text in UTF-8";
    static const char twice[] = "it has one key twice";
    static const char method[] = "it has no method with a name";
    static const char stores[] = "its stores are no list of names";
    static const char all[] = "its all_stores is neither true nor false";
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"", none},
        {"method=glance-direct", none},
        {"{" DIRECT "} {}", none},
        {"{" DIRECT ", \"stores\": [\"test\"], \"stores\": [\"file\"]}", twice},
        {"{" DIRECT ", \"stores\": [\"test\"], \"st\\u006fres\": [\"file\"]}", twice},
        {"{" DIRECT ", " DIRECT "}", twice},
        {"{\"method\": {\"name\": \"copy-image\", \"name\": \"glance-direct\"}}", twice},
        {"[]", method},
        {"[{" DIRECT "}]", method},
        {"{}", method},
        {"{\"name\": \"glance-direct\"}", method},
        {"{\"method\": \"glance-direct\"}", method},
        {"{\"method\": [\"name\"]}", method},
        {"{\"method\": {}}", method},
        {"{\"method\": {\"name\": null}}", method},
        {"{\"method\": {\"name\": [\"glance-direct\"]}}", method},
        {"{\"method\": {\"name\": \"web-download\\u0000\"}}", method},
        {"{\"method\": {\"name\": \"a\\nb\"}}", method},
        {"{" DIRECT ", \"stores\": \"test\"}", stores},
        {"{" DIRECT ", \"stores\": null}", stores},
        {"{" DIRECT ", \"stores\": {\"test\": 1}}", stores},
        {"{" DIRECT ", \"stores\": [\"test\", 1]}", stores},
        {"{" DIRECT ", \"stores\": [[\"test\"]]}", stores},
        {"{" DIRECT ", \"stores\": [\"test\\u0000\"]}", stores},
        {"{" DIRECT ", \"stores\": [\"test\\r\\nX-Forged: 1\"]}", stores},
        {"{" DIRECT ", \"stores\": [\"\\u0085\"]}", stores},
        {"{" DIRECT ", \"all_stores\": 1}", all},
        {"{" DIRECT ", \"all_stores\": \"true\"}", all},
        {"{" DIRECT ", \"all_stores\": null}", all},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct import_request request;
        const char *fault = import_read(rows[i].text, strlen(rows[i].text), &request);
        if (!fault || strcmp(fault, rows[i].fault) != 0)
            fail_msg("%s: %s", rows[i].text, fault ? fault : "taken");
        assert_true(!request.method && !request.stores && !request.store_count);
    }
}

static void import_stores_have_a_maximum(void **state)
{
    (void)state;
    for (size_t count = IMPORT_STORES_MAX; count <= IMPORT_STORES_MAX + 1; count++) {
        struct buffer text;
        struct import_request request;
        buffer_init(&text, 1024);
        assert_true(buffer_print(&text, "{" DIRECT ", \"stores\": [\"s\""));
        for (size_t i = 1; i < count; i++)
            assert_true(buffer_print(&text, ", \"s\""));
        assert_true(buffer_print(&text, "]}"));
        const char *fault = import_read(text.data, text.len, &request);
        buffer_free(&text);
        if (count <= IMPORT_STORES_MAX) {
            assert_null(fault);
            assert_int_equal(request.store_count, count);
        } else {
            assert_string_equal(fault, "it names too many stores");
        }
        import_request_free(&request);
    }
}

static void rewritten_import_changes_only_the_stores(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rewritten;
    } rows[] = {
        {"{" DIRECT "}", "{\"method\":{\"name\":\"glance-direct\"},\"stores\":[\"test\"]}"},
        {"{\"stores\": [\"file\", \"rbd\"], " DIRECT "}",
         "{\"stores\":[\"test\"],\"method\":{\"name\":\"glance-direct\"}}"},
        {"{\"z\": [1, -2, 1.5, null, true], \"all_stores\": true, " DIRECT
         ", \"stores\": [], \"a\": \"\\u00e9\\u0000\\\"\"}",
         "{\"z\":[1,-2,1.5,null,true],\"method\":{\"name\":\"glance-direct\"},"
         "\"stores\":[\"test\"],\"a\":\"\xc3\xa9\\u0000\\\"\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1024);
        assert_true(import_rewrite(rows[i].text, strlen(rows[i].text), "test", &out));
        assert_string_equal(buffer_text(&out), rows[i].rewritten);
        buffer_free(&out);
    }
}

/* No room, a store that is no text, or an import that was never read. */
static void unwritable_import_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *store;
        size_t room;
    } rows[] = {{"{" DIRECT "}", "test", 10}, {"{" DIRECT "}", "\xff", 1024}, {"{", "test", 1024}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        buffer_init(&out, rows[i].room);
        assert_false(import_rewrite(rows[i].text, strlen(rows[i].text), rows[i].store, &out));
        assert_int_equal(out.len, 0);
        buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_request_is_read),
        cmocka_unit_test(ambiguous_import_is_refused),
        cmocka_unit_test(import_stores_have_a_maximum),
        cmocka_unit_test(rewritten_import_changes_only_the_stores),
        cmocka_unit_test(unwritable_import_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
