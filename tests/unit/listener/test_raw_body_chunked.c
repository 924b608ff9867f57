/* SPDX-License-Identifier: Apache-2.0 */
/* A large chunked body, read from the socket past libmicrohttpd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_body_scene.h"
#include "support/splits.h"

static const char HEAD[] = "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";

/* As if libmicrohttpd had handed over all of HEAD's data, and much before it. */
static void feed_head(void)
{
    char bytes[sizeof HEAD];
    memcpy(bytes, HEAD, sizeof HEAD);
    guard_judge(&scene.connection.guard, bytes, sizeof HEAD - 1);
    scene.connection.requests = 1;
    scene.connection.guard.passed = scene.client.received = RAW_BODY_MIN;
}

static int begin(void **state)
{
    (void)state;
    scene_begin(FRAMING_CHUNKED);
    feed_head();
    return 0;
}

static void send_text(const char *text, size_t count)
{
    assert_int_equal(write(scene.peer, text, count), count);
}

static void close_peer(void)
{
    close(scene.peer);
    scene.peer = -1;
}

/* Reads until there is no data. Returns the code for that. */
static ssize_t read_all(char *into, size_t *count)
{
    ssize_t got = client_read(&scene.client, into + *count, 64);
    for (; got > 0; got = client_read(&scene.client, into + *count, 64))
        *count += (size_t)got;
    return got;
}

/* --- when ------------------------------------------------------------------------------------ */

static void begins_when_libmicrohttpd_has_nothing_left(void **state)
{
    (void)state;
    struct client *client = &scene.client;
    assert_true(raw_body_wanted(client));
    client->received--; /* libmicrohttpd has a byte that it has not handed over */
    assert_false(raw_body_wanted(client));
    client->received = scene.connection.guard.passed = RAW_BODY_MIN - 1;
    assert_false(raw_body_wanted(client));
    client->received = scene.connection.guard.passed = RAW_BODY_MIN + 3;
    char rest[] = "cde\r";
    guard_judge(&scene.connection.guard, rest, sizeof rest - 1); /* it may have framing */
    client->received = scene.connection.guard.passed;
    assert_false(raw_body_wanted(client));
}

/* --- what ------------------------------------------------------------------------------------ */

static void check_cut(struct split split, const void *context)
{
    static const char text[] = "cde\r\n3\r\nfgh\r\n0\r\nA: b\r\n\r\nGET /";
    char data[sizeof text];
    size_t count = 0;
    ssize_t result = STREAM_WAIT;
    begin(NULL);
    raw_body_begin(&scene.client);
    for (size_t at = 0; at < sizeof text - 1;) {
        size_t piece = split_piece(split, at, sizeof text - 1);
        send_text(text + at, piece);
        at += piece;
        result = read_all(data, &count);
        assert_int_equal(result == STREAM_END, scene.client.complete);
    }
    assert_int_equal(result, STREAM_END);
    assert_int_equal(count, 6);
    assert_memory_equal(data, "cdefgh", 6);
    assert_int_equal(scene.client.received, RAW_BODY_MIN + 6);
    assert_int_equal(client_splice(&scene.client, 1, 16), STREAM_NO_SPLICE);
    scene_end(NULL);
    (void)context;
}

static void data_arrives_without_its_framing(void **state)
{
    scene_end(state); /* each cut has a scene of its own */
    splits_each(sizeof "cde\r\n3\r\nfgh\r\n0\r\nA: b\r\n\r\nGET /" - 1, check_cut, NULL);
    begin(state);
}

static void end_in_the_middle_is_a_loss(void **state)
{
    static const char *const texts[] = {"cd", "cde", "cde\r\n", "cde\r\n0\r\n", "cde\r\n0\r\n\r"};
    char data[64];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t count = 0;
        scene_end(state);
        begin(state);
        raw_body_begin(&scene.client);
        send_text(texts[i], strlen(texts[i]));
        close_peer();
        assert_int_equal(read_all(data, &count), STREAM_LOST);
    }
}

/* The owner gets the data before the fault, and is told of the fault after that. */
static void fault_is_told_to_the_owner(void **state)
{
    (void)state;
    char data[64];
    size_t count = 0;
    raw_body_begin(&scene.client);
    send_text("cde\r\nx\r\n", 8);
    assert_int_equal(read_all(data, &count), STREAM_WAIT);
    assert_int_equal(count, 3);
    assert_int_equal(scene.lost, 0); /* the owner is not called from within its own call */
    scene_run_tasks();
    assert_int_equal(scene.lost, 1);
    assert_int_equal(scene.why, CLIENT_MALFORMED);
    assert_int_equal(scene.client.refusal, REFUSAL_BAD_REQUEST);
    assert_int_equal(client_read(&scene.client, data, sizeof data), STREAM_LOST);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(begins_when_libmicrohttpd_has_nothing_left),
        TEST(data_arrives_without_its_framing),
        TEST(end_in_the_middle_is_a_loss),
        TEST(fault_is_told_to_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
