/* SPDX-License-Identifier: Apache-2.0 */
/* An answer before the end of the body, over a pair of sockets. The request is suspended, and is
 * not resumed when it is dropped, so libmicrohttpd is not called. */
#include "listener/listener_priv.h"

#include "intake/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* UNKNOWN_BYTES, UNKNOWN_MS: limits for a caller whose token Glance has not accepted. */
enum { UNKNOWN_BYTES = 64 * 1024, PIECE = 40 * 1024 };
enum { IDLE_MS = 10 * 1000, ALL_MS = 120 * 1000, UNKNOWN_MS = 1000 };

static uint64_t now_ms = 1000;

uint64_t clock_ms(void)
{
    return now_ms;
}

uint64_t clock_wall_ms(void)
{
    return now_ms;
}

struct scene {
    struct listener listener;
    struct connection connection;
    struct client client;
    int peer;
};

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    int ends[2], room = 1 << 20;
    if (!scene || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0 ||
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0)
        return -1;
    scene->listener.parts.loop = loop_new();
    scene->connection.listener = &scene->listener;
    scene->connection.socket = net_socket_plain(ends[0]);
    scene->peer = ends[1];
    struct client *client = &scene->client;
    client->tag = OBJECT_CLIENT;
    client->connection = &scene->connection;
    client->watch.fd = ends[0];
    client->unsent = NO_UNSENT_PIPE;
    client->state = CLIENT_HELD;
    client->suspended = true;
    client->method = "PUT";
    reply_init(&client->reply);
    client->reply.status = 403;
    buffer_init(&client->output, 4096);
    *state = scene;
    return scene->listener.parts.loop ? 0 : -1;
}

static int end(void **state)
{
    struct scene *scene = *state;
    watch_set(scene->listener.parts.loop, &scene->client.watch, 0);
    loop_free(scene->listener.parts.loop);
    reply_free(&scene->client.reply);
    buffer_free(&scene->client.output);
    close(scene->connection.socket.fd);
    close(scene->peer);
    free(scene);
    return 0;
}

static void answers(struct scene *scene)
{
    char answer[4096];
    raw_response_begin(&scene->client);
    scene->client.suspended = false;
    assert_int_equal(scene->client.state, CLIENT_DRAINING);
    ssize_t count = read(scene->peer, answer, sizeof answer);
    assert_in_range(count, 1, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 403 ", 13);
}

static void client_sends(struct scene *scene, size_t count)
{
    static const char zeros[UNKNOWN_BYTES + PIECE];
    assert_int_equal(send(scene->peer, zeros, count, MSG_NOSIGNAL), count);
    scene->client.watch.ready(&scene->client.watch, LOOP_READ);
}

static int unread(const struct scene *scene)
{
    int count = 0;
    assert_int_equal(ioctl(scene->connection.socket.fd, FIONREAD, &count), 0);
    return count;
}

static void body_of_an_unknown_caller_is_drained_up_to_64_kib(void **state)
{
    struct scene *scene = *state;
    answers(scene);
    client_sends(scene, PIECE);
    assert_int_equal(unread(scene), 0);
    assert_false(scene->connection.reads_eof);
    client_sends(scene, UNKNOWN_BYTES);
    assert_int_equal(unread(scene), PIECE);
    assert_true(scene->connection.reads_eof);
    assert_int_equal(scene->client.state, CLIENT_OVER);
}

static void body_that_arrives_at_once_has_the_same_limit(void **state)
{
    struct scene *scene = *state;
    answers(scene);
    client_sends(scene, UNKNOWN_BYTES + 1);
    assert_int_equal(unread(scene), 1);
    assert_true(scene->connection.reads_eof);
}

static void body_of_a_known_caller_is_drained_beyond_64_kib(void **state)
{
    struct scene *scene = *state;
    scene->client.vouched = true;
    answers(scene);
    client_sends(scene, UNKNOWN_BYTES + PIECE);
    assert_int_equal(unread(scene), 0);
    assert_false(scene->connection.reads_eof);
}

static void tick_after(struct scene *scene, uint64_t ms)
{
    now_ms += ms;
    raw_response_tick(&scene->client);
}

/* A slow client reads the answer only after it has sent its whole body. */
static void slow_body_is_drained_while_it_arrives(void **state)
{
    struct scene *scene = *state;
    scene->client.vouched = true;
    answers(scene);
    for (uint64_t waited = 0; waited + IDLE_MS < ALL_MS; waited += IDLE_MS - 1) {
        tick_after(scene, IDLE_MS - 1);
        assert_false(scene->connection.reads_eof);
        client_sends(scene, 1);
    }
    tick_after(scene, IDLE_MS);
    assert_true(scene->connection.reads_eof);
}

static void endless_body_is_drained_for_a_limited_time(void **state)
{
    struct scene *scene = *state;
    scene->client.vouched = true;
    answers(scene);
    uint64_t answered = now_ms;
    while (!scene->connection.reads_eof) {
        assert_in_range(now_ms - answered, 0, ALL_MS);
        tick_after(scene, IDLE_MS / 2);
        if (!scene->connection.reads_eof)
            client_sends(scene, 1);
    }
    assert_int_equal(now_ms - answered, ALL_MS);
}

static void body_of_an_unknown_caller_is_drained_for_one_second(void **state)
{
    struct scene *scene = *state;
    answers(scene);
    tick_after(scene, UNKNOWN_MS - 1);
    client_sends(scene, 1);
    assert_false(scene->connection.reads_eof);
    tick_after(scene, 1);
    assert_true(scene->connection.reads_eof);
}

static void end_of_the_body_ends_the_drain(void **state)
{
    struct scene *scene = *state;
    answers(scene);
    assert_int_equal(shutdown(scene->peer, SHUT_WR), 0);
    scene->client.watch.ready(&scene->client.watch, LOOP_READ);
    assert_true(scene->connection.reads_eof);
}

int main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        WITH_SCENE(body_of_an_unknown_caller_is_drained_up_to_64_kib),
        WITH_SCENE(body_that_arrives_at_once_has_the_same_limit),
        WITH_SCENE(body_of_a_known_caller_is_drained_beyond_64_kib),
        WITH_SCENE(slow_body_is_drained_while_it_arrives),
        WITH_SCENE(endless_body_is_drained_for_a_limited_time),
        WITH_SCENE(body_of_an_unknown_caller_is_drained_for_one_second),
        WITH_SCENE(end_of_the_body_ends_the_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
