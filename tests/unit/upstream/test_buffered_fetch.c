/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffered_fetch.h"

#include "intake/clock.h"
#include "intake/loop.h"
#include "intake/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/one_answer.h"

/* --- a fetch, and its server ----------------------------------------------------------- */

static struct {
    struct one_answer server;
    struct loop *loop;
    struct glance *glance;
    char *endpoints[1];
    struct settings settings;
    struct fetch fetch;
    unsigned woken;
} yard;

static void begin(void)
{
    memset(&yard, 0, sizeof yard);
    one_answer_begin(&yard.server);
    yard.loop = loop_new();
    yard.glance = yard.loop ? glance_new(yard.loop) : NULL;
    yard.endpoints[0] = yard.server.url;
    yard.settings.glance.endpoints = yard.endpoints;
    yard.settings.glance.endpoint_count = 1;
    yard.settings.glance.connect_timeout = 5000;
    yard.settings.glance.stall_timeout = 60000;
    assert_non_null(yard.glance);
}

/* A connection that did not fail is kept until here. */
static void end_connection(void)
{
    fetch_end(&yard.fetch);
    glance_free(yard.glance);
    yard.glance = NULL;
    if (yard.server.answer)
        one_answer_join(&yard.server);
    yard.server.answer = NULL;
}

static void end(void)
{
    end_connection();
    loop_free(yard.loop);
    one_answer_end(&yard.server);
}

static void wake(void *context)
{
    assert_ptr_equal(context, &yard);
    assert_true(yard.fetch.over);
    yard.woken++;
    loop_stop(yard.loop);
}

static void ask(uint64_t timeout)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "X-Auth-Token", "secret"));
    const struct upstream_request request = {
        .method = "GET", .target = "/v2/info/usage", .headers = &headers, .timeout = timeout};
    assert_true(fetch_start(&yard.fetch, yard.glance, &yard.settings, &request, wake, &yard));
    headers_free(&headers);
    assert_true(yard.fetch.begun && !yard.fetch.over);
    assert_int_equal(yard.woken, 0);
}

/* Runs the loop until the fetch is over. Its owner is woken exactly once. */
static void ask_and_wait(uint64_t timeout)
{
    ask(timeout);
    loop_run(yard.loop);
    assert_int_equal(yard.woken, 1);
    assert_true(yard.fetch.over);
    assert_null(yard.fetch.transfer);
}

static void answer(const char *text)
{
    one_answer_start(&yard.server, text, strlen(text));
}

/* --- answered -------------------------------------------------------------------------- */

static void answer_is_buffered_whole(void **state)
{
    (void)state;
    begin();
    answer("HTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nwords");
    ask_and_wait(0);
    assert_true(fetch_answered(&yard.fetch));
    assert_int_equal(yard.fetch.answer.status, 404);
    assert_int_equal(headers_count(&yard.fetch.answer.headers, "X-A"), 2);
    assert_string_equal(buffer_text(&yard.fetch.answer.body), "words");
    end_connection();
    assert_memory_equal(yard.server.seen, "GET /v2/info/usage HTTP/1.1\r\n", 29);
    assert_non_null(strstr(yard.server.seen, "\r\nX-Auth-Token: secret\r\n"));
    end();
}

static void the_body_of_a_request_is_sent(void **state)
{
    (void)state;
    struct headers headers = {0};
    struct upstream_request request = {.method = "POST",
                                       .target = "/v2/images",
                                       .headers = &headers,
                                       .framing = FRAMING_LENGTH,
                                       .body = "{\"name\": 1}",
                                       .length = 11};
    begin();
    answer("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_true(fetch_start(&yard.fetch, yard.glance, &yard.settings, &request, wake, &yard));
    loop_run(yard.loop);
    assert_int_equal(yard.fetch.answer.status, 201);
    end_connection();
    assert_memory_equal(yard.server.seen, "POST /v2/images HTTP/1.1\r\n", 26);
    assert_non_null(strstr(yard.server.seen, "\r\nContent-Length: 11\r\n"));
    end();
}

static void answer_beyond_the_size_limit_is_too_long(void **state)
{
    (void)state;
    static char text[REPLY_BODY_MAX + 256];
    for (size_t more = 0; more < 2; more++) {
        size_t size = REPLY_BODY_MAX + more;
        int head =
            snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
        memset(text + head, 'x', size);
        begin();
        one_answer_start(&yard.server, text, (size_t)head + size);
        ask_and_wait(0);
        assert_int_equal(yard.fetch.result, TRANSFER_ANSWERED);
        assert_int_equal(yard.fetch.too_long, more);
        assert_int_equal(fetch_answered(&yard.fetch), !more);
        assert_true(yard.fetch.answer.body.len <= REPLY_BODY_MAX);
        end();
    }
}

/* --- not answered ---------------------------------------------------------------------- */

static void truncated_answer_is_a_failure(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nword",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nword\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        begin();
        yard.server.ends = true;
        answer(answers[i]);
        ask_and_wait(0);
        assert_int_equal(yard.fetch.result, TRANSFER_FAILED);
        assert_false(fetch_answered(&yard.fetch));
        assert_true(yard.fetch.detail[0] != '\0');
        end();
    }
}

static void refused_connection_is_reported_as_unreachable(void **state)
{
    (void)state;
    begin();
    ask_and_wait(0);
    assert_int_equal(yard.fetch.result, TRANSFER_UNREACHABLE);
    assert_false(fetch_answered(&yard.fetch));
    assert_non_null(strstr(yard.fetch.detail, "connect"));
    end();
}

/* The timeout of the request or of the settings, before the answer or within it. */
static void shorter_timeout_applies(void **state)
{
    (void)state;
    static const struct {
        uint64_t asked, stall_timeout;
        const char *answer;
    } rows[] = {
        {300, 60000, ""},
        {0, 300, ""},
        {60000, 300, ""},
        {300, 60000, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nword"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        yard.settings.glance.stall_timeout = rows[i].stall_timeout;
        answer(rows[i].answer);
        uint64_t began = clock_ms();
        ask_and_wait(rows[i].asked);
        assert_in_range(clock_ms() - began, 300, 30000);
        assert_int_equal(yard.fetch.result, TRANSFER_STALLED);
        assert_false(fetch_answered(&yard.fetch));
        end();
    }
}

/* --- ended early ----------------------------------------------------------------------- */

static void give_up(struct timer *timer)
{
    (void)timer;
    assert_true(yard.fetch.begun && !yard.fetch.over);
    fetch_end(&yard.fetch);
    assert_false(yard.fetch.begun);
}

static void stop(struct timer *timer)
{
    (void)timer;
    loop_stop(yard.loop);
}

/* The server's thread ends only when its connection is closed. */
static void aborted_fetch_does_not_wake_its_owner(void **state)
{
    (void)state;
    struct timer first = {.fire = give_up}, then = {.fire = stop};
    begin();
    answer("");
    ask(0);
    assert_true(timer_set(yard.loop, &first, 50));
    assert_true(timer_set(yard.loop, &then, 100));
    loop_run(yard.loop);
    assert_int_equal(yard.woken, 0);
    one_answer_join(&yard.server);
    yard.server.answer = NULL;
    assert_non_null(strstr(yard.server.seen, "GET /v2/info/usage"));
    end();
}

static void fetch_can_be_ended_in_any_state(void **state)
{
    (void)state;
    begin();
    fetch_end(&yard.fetch);
    ask(0);
    fetch_end(&yard.fetch);
    fetch_end(&yard.fetch);
    ask_and_wait(0);
    fetch_end(&yard.fetch);
    assert_false(yard.fetch.begun || yard.fetch.over);
    assert_false(fetch_answered(&yard.fetch));
    end();
}

static int set_up(void **state)
{
    (void)state;
    alarm(60); /* an endless wait fails, too */
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(the_body_of_a_request_is_sent),
        TEST(answer_is_buffered_whole),
        TEST(answer_beyond_the_size_limit_is_too_long),
        TEST(truncated_answer_is_a_failure),
        TEST(refused_connection_is_reported_as_unreachable),
        TEST(shorter_timeout_applies),
        TEST(aborted_fetch_does_not_wake_its_owner),
        TEST(fetch_can_be_ended_in_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
