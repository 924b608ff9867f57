/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies to a Glance that receives them whole: read, spliced, or both by turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_request.h"

/* --- received ------------------------------------------------------------------------------ */

static void every_byte_arrives(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {RAW_REQUEST_MIN, MIB - 1, MIB, MIB + 1, 5 * MIB + 7};
    static const size_t pieces[] = {0, 100 * KIB, MIB - 1};
    int before = open_files();
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
                env.piece = pieces[j];
                env.wait_every = (unsigned)(i + j) % 3 * 2;
                send_whole(giving, lengths[i]);
            }
    assert_int_equal(open_files(), before);
}

/* Bytes that the socket has no room for wait in a pipe or in a copy. */
static void slow_glance_gets_every_byte(void **state)
{
    (void)state;
    int little = 16 * KIB;
    setsockopt(env.taker.socket, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    env.taker.pause_us = 300;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 12 * MIB + 5);
}

/* First there are no descriptors, or no pipe pages for the user. Then there are some again. */
static void body_is_read_without_a_pipe(void **state)
{
    (void)state;
    for (enum pipes each = PIPES_NONE; each <= PIPES_SMALL; each++) {
        pipes = each;
        int before = open_files();
        send_whole(MOVED, 3 * MIB);
        assert_int_equal(env.moved, 0);
        assert_int_equal(open_files(), before);
        pipes = PIPES_REAL;
        send_whole(MOVED, 3 * MIB);
        assert_int_equal(env.moved, 3 * MIB);
        env.moved = 0;
    }
}

/* --- whether, and to which endpoint -------------------------------------------------------- */

static void next_endpoint_gets_the_whole_body(void **state)
{
    (void)state;
    struct body_taker nobody; /* its port is bound, but no server listens */
    body_taker_begin(&nobody);
    env.endpoints[0] = nobody.url;
    env.settings.glance.endpoint_count = 2;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 2 * MIB);
    body_taker_end(&nobody);
}

static void only_large_plain_uploads_to_glance_are_raw(void **state)
{
    (void)state;
    static char plain[] = "http://a", tls[] = "https://b", loud[] = "HTTP://c";
    static const struct upstream_callbacks relay = {.pull = pull};
    static const struct {
        const char *url;
        enum framing framing;
        uint64_t length;
        char *endpoints[2];
        bool raw_request;
    } rows[] = {
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, plain}, true},
        {NULL, FRAMING_LENGTH, UINT64_MAX / 2, {plain, loud}, true},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN - 1, {plain, plain}, false},
        {NULL, FRAMING_CHUNKED, RAW_REQUEST_MIN, {plain, plain}, false},
        {NULL, FRAMING_NONE, RAW_REQUEST_MIN, {plain, plain}, false},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, tls}, false},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {tls, plain}, false},
        {"http://gateway/x", FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, plain}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *endpoints[2] = {rows[i].endpoints[0], rows[i].endpoints[1]};
        const struct upstream_request request = {
            .url = rows[i].url, .framing = rows[i].framing, .length = rows[i].length};
        const struct transfer transfer = {.settings = &env.settings, .owner = &OWNER};
        const struct transfer relayed = {.settings = &env.settings, .owner = &relay};
        env.settings.glance.endpoints = endpoints;
        env.settings.glance.endpoint_count = 2;
        if (raw_request_wanted(&transfer, &request) != rows[i].raw_request)
            fail_msg("row %zu", i);
        assert_false(raw_request_wanted(&relayed, &request));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_arrives),
        TEST(slow_glance_gets_every_byte),
        TEST(body_is_read_without_a_pipe),
        TEST(next_endpoint_gets_the_whole_body),
        TEST(only_large_plain_uploads_to_glance_are_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
