/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static void begin(struct fixture *fixture, void **state)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
}

static void the_first_reason_is_kept(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_int_equal(exchange_refuse_for(fixture.x, REFUSAL_TOO_LARGE, "it has %d bytes", 3),
                     STEP_REFUSE);
    assert_int_equal(exchange_refuse_for(fixture.x, REFUSAL_EMPTY_BODY, "later"), STEP_REFUSE);
    assert_int_equal(exchange_refuse(fixture.x, REFUSAL_DRAINING), STEP_REFUSE);
    assert_int_equal(fixture_refusal(&fixture)->reason, REFUSAL_TOO_LARGE);
    assert_string_equal(fixture_refusal(&fixture)->detail, "it has 3 bytes");
    fixture_end(&fixture);
}

static void out_of_memory_is_logged(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    assert_outcome(&fixture, exchange_no_memory(fixture.x), REFUSAL_OUT_OF_MEMORY, "");
    assert_logged(&fixture, "out of memory");
    fixture_end(&fixture);
}

/* Other faults of a parser are the client's. */
static void no_memory_is_not_the_clients_fault(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    refusal_set_fault(fixture_refusal(&fixture), &fixture.x->request, REFUSAL_BAD_REQUEST,
                      NO_MEMORY);
    assert_outcome(&fixture, STEP_REFUSE, REFUSAL_OUT_OF_MEMORY, "");
    fixture_end(&fixture);
    begin(&fixture, state);
    refusal_set_fault(fixture_refusal(&fixture), &fixture.x->request, REFUSAL_BAD_REQUEST,
                      "it has two");
    assert_outcome(&fixture, STEP_REFUSE, REFUSAL_BAD_REQUEST, "it has two");
    fixture_end(&fixture);
}

/* A hint has the URL that the client used. */
static void a_hint_has_the_clients_own_url(void **state)
{
    static const struct {
        enum route_kind kind;
        const char *image, *prefix, *url;
    } rows[] = {
        {ROUTE_UPLOAD, "an-id", "", "https://images.example:9292/v2/images/an-id/file"},
        {ROUTE_STAGE, "an-id", "", "https://images.example:9292/v2/images/an-id/stage"},
        {ROUTE_UPLOAD, "an-id", "/image", "https://images.example:9292/image/v2/images/an-id/file"},
        {ROUTE_RELAY, "", "", "http://HOST:9292/v2/images/ID/file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state);
        origin_free(&fixture.x->request.origin);
        fixture.x->request.origin = (struct origin){.proto = strdup("https"),
                                                    .host = strdup("images.example:9292"),
                                                    .prefix = strdup(rows[i].prefix),
                                                    .forwarded_for = strdup("")};
        fixture.x->request.route.kind = rows[i].kind;
        fixture_text(fixture.x->request.route.image_id, rows[i].image);
        exchange_refuse(fixture.x, REFUSAL_EMPTY_BODY);
        exchange_answer_refusal(fixture.x);
        assert_int_equal(fixture.client.answer.status, 400);
        assert_non_null(strstr(buffer_text(&fixture.client.answer.body), rows[i].url));
        fixture_end(&fixture);
    }
}

static void an_answer_ends_the_lock(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture.image->status = strdup("queued");
    assert_int_equal(image_check_lock(fixture.x, fixture.check, fixture.size), STEP_NEXT);
    assert_non_null(fixture_lock(&fixture));
    exchange_refuse(fixture.x, REFUSAL_EMPTY_BODY);
    exchange_answer_refusal(fixture.x);
    assert_null(fixture_lock(&fixture));
    fixture_end(&fixture);
}

static void a_client_that_left_is_not_answered(void **state)
{
    struct fixture fixture;
    begin(&fixture, state);
    fixture.x->client = NULL;
    exchange_refuse(fixture.x, REFUSAL_EMPTY_BODY);
    exchange_answer_refusal(fixture.x);
    assert_int_equal(fixture.client.answer.status, 0);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_first_reason_is_kept),
        FIXTURE_TEST(out_of_memory_is_logged),
        FIXTURE_TEST(no_memory_is_not_the_clients_fault),
        FIXTURE_TEST(a_hint_has_the_clients_own_url),
        FIXTURE_TEST(an_answer_ends_the_lock),
        FIXTURE_TEST(a_client_that_left_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
