/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/keystone.h"
#include "unit/exchange/fixture.h"

/* A client asks for this, where [keystone] auth_url is set or not. */
static void open(struct fixture *fixture, void **state, const char *target, bool keystone,
                 const char *const *fields)
{
    fixture_prepare(fixture, state, fields);
    fixture_policy(fixture, state, "default: {store: test}\n");
    static char auth_url[] = "http://127.0.0.1:1";
    fixture->settings.keystone.auth_url = auth_url;
    fixture->parts.keystone = keystone ? keystone_new(&fixture->settings) : NULL;
    fixture->client.head.method = "GET";
    fixture->client.head.target = target;
    fixture->x = exchange_events.opened(&fixture->parts, &fixture->client);
    assert_non_null(fixture->x);
}

static void end(struct fixture *fixture)
{
    struct keystone *keystone = fixture->parts.keystone;
    fixture_end(fixture);
    keystone_free(keystone);
}

static const char *const HOST[] = {"Host", "images.example:9292", NULL};

static void the_page_and_its_files_are_answered(void **state)
{
    static const struct {
        const char *target, *type, *text;
    } rows[] = {
        {"/upload/", "text/html; charset=utf-8", "'http://images.example:9292/upload/'"},
        {"/upload/?x=y", "text/html; charset=utf-8", "<noscript>"},
        {"/upload/page/page.js", "text/javascript; charset=utf-8", "import "},
        {"/upload/page/style.css", "text/css; charset=utf-8", ":root"},
        {"/upload/page/icon.svg", "image/svg+xml", "<svg"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        open(&fixture, state, rows[i].target, true, HOST);
        const struct reply *answer = &fixture.client.answer;
        assert_int_equal(answer->status, 200);
        assert_field(&answer->headers, "Content-Type", rows[i].type);
        assert_field(&answer->headers, "Cache-Control", "no-cache");
        assert_field(&answer->headers, "X-Content-Type-Options", "nosniff");
        assert_field(&answer->headers, "Referrer-Policy", "no-referrer");
        assert_int_equal(headers_count(&answer->headers, "Content-Security-Policy"), 1);
        assert_int_equal(strlen(headers_get(&answer->headers, "ETag")), 34);
        assert_non_null(strstr(buffer_text(&answer->body), rows[i].text));
        assert_null(strstr(buffer_text(&answer->body), "@URL@"));
        assert_null(fixture_step(&fixture));
        end(&fixture);
    }
}

static void who_has_the_page_already_gets_304(void **state)
{
    static const char *const other[] = {"If-None-Match", "\"0\"", NULL};
    char known[64];
    const char *const fields[] = {"If-None-Match", known, NULL};
    struct fixture fixture;
    open(&fixture, state, "/upload/page/page.js", true, other);
    assert_int_equal(fixture.client.answer.status, 200);
    snprintf(known, sizeof known, "W/%s", headers_get(&fixture.client.answer.headers, "ETag"));
    end(&fixture);
    open(&fixture, state, "/upload/page/page.js", true, fields);
    assert_int_equal(fixture.client.answer.status, 304);
    assert_int_equal(fixture.client.answer.body.len, 0);
    assert_field(&fixture.client.answer.headers, "ETag", known + 2);
    end(&fixture);
}

/* Relative, since a proxy in front may have added a prefix. */
static void without_its_slash_the_page_is_elsewhere(void **state)
{
    struct fixture fixture;
    open(&fixture, state, "/upload", true, HOST);
    assert_int_equal(fixture.client.answer.status, 301);
    assert_field(&fixture.client.answer.headers, "Location", "upload/");
    end(&fixture);
}

static void what_the_page_does_not_have_is_glances(void **state)
{
    static const struct {
        const char *target;
        bool keystone;
    } rows[] = {
        {"/upload/", false},      {"/upload", false},
        {"/upload/page/", true},  {"/upload/page/page.js", false},
        {"/upload/x", true},      {"/upload/page/index.html", true},
        {"/upload/page//", true}, {"/upload/page/token", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        open(&fixture, state, rows[i].target, rows[i].keystone, HOST);
        assert_non_null(fixture_step(&fixture));
        assert_string_equal(fixture_step(&fixture), "forward");
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_page_and_its_files_are_answered),
        FIXTURE_TEST(who_has_the_page_already_gets_304),
        FIXTURE_TEST(without_its_slash_the_page_is_elsewhere),
        FIXTURE_TEST(what_the_page_does_not_have_is_glances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
