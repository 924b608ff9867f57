/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const FIELDS[] = {"Host", "images.example", NULL};

#define ID "/v2/images/11111111-1111-4111-8111-111111111111"

/* A client sends this head. `length` 0: without a body. */
static void open(struct fixture *fixture, void **state, const char *method, const char *target,
                 uint64_t length)
{
    fixture_prepare(fixture, state, FIELDS);
    fixture_policy(fixture, state, "default: {store: test}\n");
    fixture->client.head.method = method;
    fixture->client.head.target = target;
    fixture->client.framing.framing = length ? FRAMING_LENGTH : FRAMING_NONE;
    fixture->client.framing.length = length;
    fixture->client.sends = "";
    fixture->x = exchange_events.opened(&fixture->parts, &fixture->client);
    assert_non_null(fixture->x);
}

static void a_request_gets_its_kind_by_its_route(void **state)
{
    static const struct {
        const char *method, *target;
        uint64_t length;
        const char *step; /* the one that waits */
    } rows[] = {
        {"GET", "/v2/images", 0, "forward"},        {"GET", "/", 0, "forward"},
        {"PUT", ID "/file", 3, "preflight"},        {"PUT", ID "/stage", 3, "preflight"},
        {"POST", ID "/import", 3, "hold"},          {"POST", ID "/import", 0, "forward"},
        {"POST", "/v2/images/x/more", 3, "invite"}, {"GET", ID "/file/progress", 0, "preflight"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        open(&fixture, state, rows[i].method, rows[i].target, rows[i].length);
        assert_non_null(fixture_step(&fixture));
        assert_string_equal(fixture_step(&fixture), rows[i].step);
        assert_int_equal(fixture.client.answer.status, 0);
        fixture_end(&fixture);
    }
}

static void a_head_that_cannot_be_read_is_answered_at_once(void **state)
{
    static const struct {
        const char *method, *target;
        uint64_t length;
        unsigned status;
        const char *reason, *allow;
    } rows[] = {
        {"GET", "/v2/images/%zz", 0, 400, "\"reason\": \"bad_request\"", NULL},
        {"PUT", ID "/../file", 3, 400, "\"reason\": \"bad_request\"", NULL},
        {"POST", ID "/file", 3, 405, "\"reason\": \"wrong_method\"", "PUT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        open(&fixture, state, rows[i].method, rows[i].target, rows[i].length);
        const struct reply *answer = &fixture.client.answer;
        assert_int_equal(answer->status, rows[i].status);
        assert_non_null(strstr(buffer_text(&answer->body), rows[i].reason));
        if (rows[i].allow)
            assert_non_null(strstr(headers_get(&answer->headers, "Allow"), rows[i].allow));
        assert_null(fixture_step(&fixture));
        assert_null(fixture_record(&fixture));
        fixture_end(&fixture);
    }
}

/* RFC 9112 3.2.2. */
static void the_host_of_an_absolute_form_replaces_host(void **state)
{
    struct fixture fixture;
    open(&fixture, state, "POST", "http://other.example" ID "/file", 3);
    assert_non_null(
        strstr(buffer_text(&fixture.client.answer.body), "http://other.example" ID "/file"));
    fixture_end(&fixture);
}

/* An upload is recorded before its first step, so a refusal of that step is in the log. */
static void an_upload_that_is_refused_by_its_first_step_is_recorded(void **state)
{
    struct fixture fixture;
    fixture_prepare(&fixture, state, FIELDS);
    fixture.parts.drain = DRAIN_STOPPING;
    fixture.client.head.method = "PUT";
    fixture.client.head.target = ID "/file";
    fixture_policy(&fixture, state, "default: {store: test}\n");
    fixture.x = exchange_events.opened(&fixture.parts, &fixture.client);
    assert_int_equal(fixture.client.answer.status, 503);
    assert_logged(&fixture, "verdict=refused reason=draining");
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_request_gets_its_kind_by_its_route),
        FIXTURE_TEST(a_head_that_cannot_be_read_is_answered_at_once),
        FIXTURE_TEST(the_host_of_an_absolute_form_replaces_host),
        FIXTURE_TEST(an_upload_that_is_refused_by_its_first_step_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
