/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const FIELDS[] = {"X-Auth-Token", "secret", "Content-Type", "application/json",
                                     NULL};
static const char PLAIN[] = "{\"name\": \"cirros\"}";
static const char CREATED[] = "{\"id\": \"image\", \"owner\": \"p\"}";

static void begin(struct fixture *fixture, void **state, const char *method, const char *path)
{
    fixture_prepare(fixture, state, FIELDS);
    struct request_facts request = fixture_request(fixture, ROUTE_RELAY);
    request.target.path = strdup(path);
    fixture->client.head.method = method;
    fixture->x = exchange_new(&fixture->parts, &fixture->client, &RELAY_KIND.base, &request);
    assert_non_null(fixture->x);
}

/* The client has sent `body`, in two pieces, and Glance has answered. */
static void answer(struct fixture *fixture, const char *body, unsigned status, const char *told)
{
    struct relay_flow *relay = relay_of(fixture->x);
    size_t half = strlen(body) / 2;
    image_created_read(relay, body, half);
    image_created_read(relay, body + half, strlen(body) - half);
    fixture_answer(fixture)->status = status;
    assert_true(buffer_append(&fixture_answer(fixture)->body, told, strlen(told)));
    image_created_answered(relay);
}

static bool is_asked(const struct fixture *fixture, const char *token)
{
    struct headers fields = {0};
    assert_true(headers_add(&fields, "X-Auth-Token", token));
    struct usage_account *account = usage_account_open(fixture->parts.usage_answers, &fields);
    bool asked = usage_account_is_asked(account);
    usage_account_close(account);
    headers_free(&fields);
    return asked;
}

static void only_a_new_image_is_followed_by_a_question(void **state)
{
    static const struct {
        const char *method, *path;
        unsigned status;
        bool asked, off;
    } rows[] = {
        {"POST", "/v2/images", 201, true, false},    {"POST", "/v2/images", 201, false, true},
        {"POST", "/v2/images", 403, false, false},   {"GET", "/v2/images", 201, false, false},
        {"POST", "/v2/images/x", 201, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].method, rows[i].path);
        fixture.settings.upload.check_quota = !rows[i].off;
        answer(&fixture, PLAIN, rows[i].status, CREATED);
        assert_int_equal(is_asked(&fixture, "secret"), rows[i].asked);
        assert_false(is_asked(&fixture, "another"));
        fixture_end(&fixture);
    }
}

/* Two tokens share what is known if both have been shown to belong to the project. */
static void an_owner_that_was_not_asked_for_is_the_tokens_project(void **state)
{
    static const struct {
        const char *body, *told;
        bool confirmed;
    } rows[] = {
        {PLAIN, CREATED, true},
        {"{\"name\": \"owner\\\\\", \"owner_specified.openstack.md5\": \"\"}", CREATED, true},
        {"{\"owner \": 1, \"\\\"owners\": 2}", CREATED, true},
        {"{\"owner\": \"q\"}", CREATED, false},
        {"{\"\\\\\": 1,\"owner\":\"q\"}", CREATED, false},
        {"{\"\"\"owner\": \"q\"}", CREATED, false},
        {"{\"\\u006fwner\": \"q\"}", CREATED, false},
        {"{\"name\": \"owner\", \"own\\u0065r\": \"q\"}", CREATED, false},
        {PLAIN, "{\"owner\": null}", false},
        {PLAIN, "{\"owner\": \"\"}", false},
        {PLAIN, "{\"owner\": \"p\", \"owner\": \"p\"}", false},
        {PLAIN, "<html>", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        struct headers fields = {0};
        begin(&fixture, state, "POST", "/v2/images");
        assert_true(headers_add(&fields, "X-Auth-Token", "another"));
        usage_answers_confirm(fixture.parts.usage_answers, &fields, "p");
        headers_free(&fields);
        answer(&fixture, rows[i].body, 201, rows[i].told);
        assert_true(is_asked(&fixture, "secret"));
        if (is_asked(&fixture, "another") != rows[i].confirmed)
            fail_msg("%s, %s", rows[i].body, rows[i].told);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(only_a_new_image_is_followed_by_a_question),
        FIXTURE_TEST(an_owner_that_was_not_asked_for_is_the_tokens_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
