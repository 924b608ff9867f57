/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the timeouts of a request. A tick, once a second or more often, detects what libmicrohttpd
 * does not: a reset, a stall, an end of file that it missed. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { TICK_MS = 1000 };

bool client_stalled(const struct client *client)
{
    uint64_t timeout = client->connection->snapshot->settings->listen.stall_timeout;
    return clock_ms() - client->progress >= timeout;
}

/* libmicrohttpd does not watch a suspended connection, so it would miss a reset. The watch is set
 * at the first tick only: most requests end before it. */
static void watch_for_reset(struct client *client)
{
    if (client->suspended)
        watch_set(client->connection->listener->parts.loop, &client->watch,
                  LOOP_HANGUP | LOOP_EDGE);
}

/* The kernel's send queue becomes shorter as the client reads. */
bool client_is_reading(struct client *client)
{
    int queued = 0;
    ioctl(client->connection->socket.fd, SIOCOUTQ, &queued);
    bool less = queued < client->queued_bytes;
    client->queued_bytes = queued;
    return less;
}

static void tick_while_answering(struct client *client)
{
    if (client->suspended) {
        watch_for_reset(client); /* a wait for the stream's source is no stall of the client */
        client_progress(client);
    } else if (client_is_reading(client)) {
        client_progress(client);
    } else if (client_stalled(client)) {
        connection_cut(client->connection);
    }
}

/* If a read fills less than its buffer, libmicrohttpd assumes that the socket is empty. Its epoll
 * is edge-triggered, so it misses an end of file that came together with such bytes. It reads again
 * from a connection that was resumed. */
static void restart_reading(struct client *client)
{
    char byte;
    if (client->suspended || !client->body_wanted ||
        net_peek(&client->connection->socket, &byte, 1) < 0)
        return;
    client_suspend(client);
    client_resume(client);
}

static void tick_while_receiving(struct client *client)
{
    watch_for_reset(client);
    restart_reading(client);
    if (client->body_wanted && client_stalled(client))
        client_tell_lost(client, CLIENT_STALLED);
}

uint64_t client_tick(struct client *client)
{
    uint64_t half = client->connection->snapshot->settings->listen.stall_timeout / 2;
    uint64_t next = half < TICK_MS ? half + 1 : TICK_MS;
    switch (client->state) {
    case CLIENT_INVITED:
    case CLIENT_RECEIVING:
        tick_while_receiving(client);
        break;
    case CLIENT_RAW_BODY:
        raw_body_tick(client);
        next = client->body_wanted ? next / 4 + 1 : next;
        break;
    case CLIENT_ANSWERING:
        tick_while_answering(client);
        break;
    case CLIENT_RAW_RESPONSE:
    case CLIENT_DRAINING:
        raw_response_tick(client);
        break;
    default:
        watch_for_reset(client);
    }
    return next;
}
