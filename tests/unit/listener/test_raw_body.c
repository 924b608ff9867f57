/* SPDX-License-Identifier: Apache-2.0 */
/* A large body, read from the socket past libmicrohttpd: what its owner is told when the socket has
 * no bytes. The connection is suspended, so libmicrohttpd is not called. */
#include "listener/listener_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LENGTH = RAW_BODY_MIN };

static struct {
    struct listener listener;
    struct connection connection;
    struct client client;
    int peer;
    ssize_t result; /* of each read and splice */
    unsigned lost;
    enum client_loss why;
} scene;

static ssize_t scripted_read(const struct net_socket *socket, void *into, size_t room)
{
    (void)socket;
    (void)into;
    assert_true(room > 0);
    return scene.result;
}

static ssize_t scripted_splice(const struct net_socket *socket, int pipe, size_t room)
{
    (void)socket;
    (void)pipe;
    assert_true(room > 0);
    return scene.result;
}

static const struct net_operations SCRIPTED = {.read = scripted_read,
                                               .splice_in = scripted_splice,
                                               .splice_out = scripted_splice,
                                               .exact = true};

static void lost(void *exchange, enum client_loss why)
{
    assert_ptr_equal(exchange, &scene);
    scene.lost++;
    scene.why = why;
}

static bool stop(void *context)
{
    loop_stop(context);
    return false;
}

static int begin(void **state)
{
    static const struct client_events events = {.lost = lost};
    int ends[2];
    (void)state;
    memset(&scene, 0, sizeof scene);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    scene.peer = ends[1];
    scene.listener.parts.loop = loop_new();
    scene.listener.parts.events = &events;
    scene.connection.listener = &scene.listener;
    scene.connection.socket = net_socket_plain(ends[0]);
    scene.connection.socket.operations = &SCRIPTED;
    struct client *client = &scene.client;
    client->tag = OBJECT_CLIENT;
    client->connection = &scene.connection;
    client->watch.fd = ends[0];
    client->suspended = true;
    client->exchange = &scene;
    client->framing.framing = FRAMING_LENGTH;
    client->framing.length = LENGTH;
    client->state = CLIENT_RECEIVING;
    raw_body_begin(client);
    return scene.listener.parts.loop ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    watch_set(scene.listener.parts.loop, &scene.client.watch, 0);
    loop_free(scene.listener.parts.loop);
    close(scene.connection.socket.fd);
    close(scene.peer);
    return 0;
}

/* Tries a read and a splice. */
static void gives(ssize_t result, ssize_t expected)
{
    char into[16];
    scene.result = result;
    assert_int_equal(client_read(&scene.client, into, sizeof into), expected);
    assert_int_equal(client_splice(&scene.client, 1, sizeof into), expected);
}

static void run_tasks(void)
{
    loop_add_prepare_hook(scene.listener.parts.loop, stop, scene.listener.parts.loop);
    loop_run(scene.listener.parts.loop);
}

static void socket_without_bytes_waits_for_the_client(void **state)
{
    (void)state;
    gives(STREAM_WAIT, STREAM_WAIT);
    assert_true(scene.client.body_wanted);
    run_tasks();
    assert_int_equal(scene.lost, 0);
}

static void end_before_the_whole_length_is_a_loss(void **state)
{
    (void)state;
    gives(STREAM_END, STREAM_LOST);
    gives(STREAM_LOST, STREAM_LOST);
}

/* This is not the client's fault, so the client gets an answer. */
static void lack_of_memory_is_reported_as_such(void **state)
{
    (void)state;
    gives(STREAM_NO_MEMORY, STREAM_WAIT);
    assert_int_equal(scene.lost, 0); /* the owner is not called from within its own call */
    run_tasks();
    assert_int_equal(scene.lost, 1);
    assert_int_equal(scene.why, CLIENT_NO_MEMORY);
    char byte;
    assert_int_equal(client_read(&scene.client, &byte, 1), STREAM_LOST);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(socket_without_bytes_waits_for_the_client),
        TEST(end_before_the_whole_length_is_a_loss),
        TEST(lack_of_memory_is_reported_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
