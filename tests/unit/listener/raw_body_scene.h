/* SPDX-License-Identifier: Apache-2.0 */
/* A client whose body is read past libmicrohttpd, and its owner. The connection is suspended, so
 * libmicrohttpd is not called. Include after <cmocka.h>. */
#ifndef LISTENER_RAW_BODY_SCENE_H
#define LISTENER_RAW_BODY_SCENE_H

#include "listener/listener_priv.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    struct listener listener;
    struct connection connection;
    struct client client;
    int peer; /* -1: it was closed */
    unsigned lost;
    enum client_loss why;
} scene;

static void scene_lost(void *exchange, enum client_loss why)
{
    assert_ptr_equal(exchange, &scene);
    scene.lost++;
    scene.why = why;
}

static bool scene_stop(void *context)
{
    loop_stop(context);
    return false;
}

/* Runs the tasks that were posted. */
static void scene_run_tasks(void)
{
    loop_run(scene.listener.parts.loop);
}

static void scene_begin(enum framing framing)
{
    static const struct client_events events = {.lost = scene_lost};
    int ends[2];
    memset(&scene, 0, sizeof scene);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    scene.peer = ends[1];
    scene.listener.parts.loop = loop_new();
    scene.listener.parts.events = &events;
    loop_add_prepare_hook(scene.listener.parts.loop, scene_stop, scene.listener.parts.loop);
    scene.connection.tag = OBJECT_CONNECTION;
    scene.connection.listener = &scene.listener;
    scene.connection.client = &scene.client;
    scene.connection.socket = net_socket_plain(ends[0]);
    struct client *client = &scene.client;
    client->tag = OBJECT_CLIENT;
    client->connection = &scene.connection;
    client->watch.fd = ends[0];
    client->suspended = true;
    client->exchange = &scene;
    client->framing.framing = framing;
    client->state = CLIENT_RECEIVING;
}

static int scene_end(void **state)
{
    (void)state;
    watch_set(scene.listener.parts.loop, &scene.client.watch, 0);
    loop_free(scene.listener.parts.loop);
    close(scene.connection.socket.fd);
    if (scene.peer >= 0)
        close(scene.peer);
    return 0;
}

#endif
