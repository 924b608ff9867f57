/* SPDX-License-Identifier: Apache-2.0 */
/* A large body, read from the socket past libmicrohttpd: what its owner is told when the socket has
 * no bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw_body_scene.h"

enum { LENGTH = RAW_BODY_MIN };

static ssize_t result; /* of each read and splice */

static ssize_t scripted_read(const struct net_socket *socket, void *into, size_t room)
{
    (void)socket;
    (void)into;
    assert_true(room > 0);
    return result;
}

static ssize_t scripted_splice(const struct net_socket *socket, int pipe, size_t room)
{
    (void)socket;
    (void)pipe;
    assert_true(room > 0);
    return result;
}

static const struct net_operations SCRIPTED = {.read = scripted_read,
                                               .splice_in = scripted_splice,
                                               .splice_out = scripted_splice,
                                               .exact = true};

static int begin(void **state)
{
    (void)state;
    scene_begin(FRAMING_LENGTH);
    scene.client.framing.length = LENGTH;
    scene.connection.socket.operations = &SCRIPTED;
    raw_body_begin(&scene.client);
    return 0;
}

/* Tries a read and a splice. */
static void gives(ssize_t given, ssize_t expected)
{
    char into[16];
    result = given;
    assert_int_equal(client_read(&scene.client, into, sizeof into), expected);
    assert_int_equal(client_splice(&scene.client, 1, sizeof into), expected);
}

static void socket_without_bytes_waits_for_the_client(void **state)
{
    (void)state;
    gives(STREAM_WAIT, STREAM_WAIT);
    assert_true(scene.client.body_wanted);
    scene_run_tasks();
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
    scene_run_tasks();
    assert_int_equal(scene.lost, 1);
    assert_int_equal(scene.why, CLIENT_NO_MEMORY);
    char byte;
    assert_int_equal(client_read(&scene.client, &byte, 1), STREAM_LOST);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(socket_without_bytes_waits_for_the_client),
        TEST(end_before_the_whole_length_is_a_loss),
        TEST(lack_of_memory_is_reported_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
