/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static const char *const FIELDS[] = {"Host", "images.example.org", NULL};

static void every_end_of_a_transfer_has_its_refusal(void **state)
{
    static const struct {
        enum transfer_result result;
        enum answer_fault fault;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {TRANSFER_UNREACHABLE, ANSWER_WHOLE, REFUSAL_GLANCE_UNREACHABLE, ""},
        {TRANSFER_STALLED, ANSWER_WHOLE, REFUSAL_GLANCE_TIMEOUT, ""},
        {TRANSFER_FAILED, ANSWER_WHOLE, REFUSAL_GLANCE_FAILED, ""},
        {TRANSFER_NO_MEMORY, ANSWER_WHOLE, REFUSAL_OUT_OF_MEMORY, ""},
        {TRANSFER_ANSWERED, ANSWER_TOO_LONG, REFUSAL_GLANCE_FAILED, "its answer is too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, FIELDS);
        assert_outcome(&fixture, glance_refuse(fixture.x, rows[i].result, rows[i].fault),
                       rows[i].refusal, rows[i].detail);
        fixture_end(&fixture);
    }
}

/* Reports an answer as libcurl's callbacks do. */
static void hear(struct fixture *fixture, unsigned status, const char *const *fields,
                 const char *body)
{
    struct headers headers = {0};
    for (; *fields; fields += 2)
        assert_true(headers_add(&headers, fields[0], fields[1]));
    glance_head(fixture->x, status, &headers);
    headers_free(&headers);
    assert_true(glance_collect(fixture->x, body, strlen(body)));
    glance_over(fixture->x, TRANSFER_ANSWERED, "");
}

static void links_in_an_answer_point_to_this_proxy(void **state)
{
    static const struct {
        const char *fields[8];
        const char *location, *request_id;
    } rows[] = {
        {{NULL}, NULL, "req-1"},
        {{"X-Openstack-Request-Id", "req-glance", NULL}, NULL, "req-glance"},
        {{"Location", "http://127.0.0.1:1/v2/images/a", NULL},
         "http://images.example.org/v2/images/a",
         "req-1"},
        {{"Location", "http://elsewhere.example/x", NULL}, "http://elsewhere.example/x", "req-1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        struct reply reply;
        fixture_begin(&fixture, state, FIELDS);
        hear(&fixture, 413, rows[i].fields, "too much");
        assert_true(glance_has_answered(fixture.x) && fixture.x->glance.over);
        assert_true(glance_reply(fixture.x, &reply));
        assert_int_equal(reply.status, 413);
        assert_string_equal(buffer_text(&reply.body), "too much");
        assert_field(&reply.headers, "Location", rows[i].location);
        assert_field(&reply.headers, "X-Openstack-Request-Id", rows[i].request_id);
        reply_free(&reply);
        fixture_end(&fixture);
    }
}

static void hop_by_hop_fields_are_not_passed_on(void **state)
{
    static const char *const fields[] = {
        "Connection", "close", "Transfer-Encoding", "chunked", "Content-Length", "8", NULL};
    struct fixture fixture;
    struct reply reply;
    fixture_begin(&fixture, state, FIELDS);
    hear(&fixture, 200, fields, "too much");
    assert_true(glance_reply(fixture.x, &reply));
    for (size_t i = 0; fields[i]; i += 2)
        assert_field(&reply.headers, fields[i], NULL);
    reply_free(&reply);
    fixture_end(&fixture);
}

/* It is still read to its end. */
static void a_collected_answer_has_a_limit(void **state)
{
    static char piece[REPLY_BODY_MAX];
    static const char *const fields[] = {NULL};
    memset(piece, 'x', sizeof piece);
    struct fixture fixture;
    fixture_begin(&fixture, state, FIELDS);
    hear(&fixture, 200, fields, "");
    assert_true(glance_collect(fixture.x, piece, sizeof piece));
    assert_int_equal(fixture.x->glance.fault, ANSWER_WHOLE);
    assert_true(glance_collect(fixture.x, piece, 1));
    assert_int_equal(fixture.x->glance.fault, ANSWER_TOO_LONG);
    assert_true(glance_collect(fixture.x, piece, sizeof piece));
    fixture_end(&fixture);
}

static void a_failed_transfer_is_logged_unless_the_proxy_ended_it(void **state)
{
    static const struct {
        enum transfer_result result;
        const char *line;
    } rows[] = {
        {TRANSFER_ANSWERED, NULL},
        {TRANSFER_GIVEN_UP, NULL},
        {TRANSFER_FAILED, "req-1: Glance: libcurl's words"},
        {TRANSFER_STALLED, "req-1: Glance: libcurl's words"},
        {TRANSFER_UNREACHABLE, "req-1: Glance: libcurl's words"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_begin(&fixture, state, FIELDS);
        glance_over(fixture.x, rows[i].result, "libcurl's words");
        assert_int_equal(fixture.x->glance.result, rows[i].result);
        assert_logged(&fixture, rows[i].line);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_end_of_a_transfer_has_its_refusal),
        FIXTURE_TEST(links_in_an_answer_point_to_this_proxy),
        FIXTURE_TEST(hop_by_hop_fields_are_not_passed_on),
        FIXTURE_TEST(a_collected_answer_has_a_limit),
        FIXTURE_TEST(a_failed_transfer_is_logged_unless_the_proxy_ended_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
