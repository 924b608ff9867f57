/* SPDX-License-Identifier: Apache-2.0 */
/* What a request waits for, and for how long. libmicrohttpd's connection is suspended while its
 * owner has to decide, or has no room; a tick, once a second or more often, sees to what would then
 * go unseen: a reset, a stall, an end that libmicrohttpd forgot. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { TICK_MS = 1000 };

void client_suspend(struct client *client)
{
    if (client->suspended)
        return;
    client->suspended = true;
    MHD_suspend_connection(client->connection->mhd);
}

void client_resume(struct client *client)
{
    if (!client->suspended)
        return;
    client->suspended = false;
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    MHD_resume_connection(client->connection->mhd);
    client->connection->listener->due = true; /* with an outer epoll libmicrohttpd wakes nobody */
}

void client_progress(struct client *client)
{
    client->progress = clock_ms();
}

void client_want(struct client *client)
{
    if (!client->body_wanted)
        client_progress(client);
    client->body_wanted = true;
}

void client_tell_readable(struct client *client)
{
    client->body_wanted = false;
    if (client->exchange && !client->lost_told)
        client->connection->listener->parts.events->readable(client->exchange);
}

void client_tell_lost(struct client *client, enum client_loss why)
{
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    if (client->lost_told || !client->exchange)
        return;
    client->lost_told = true;
    client->connection->listener->parts.events->lost(client->exchange, why);
    if (why == CLIENT_VANISHED && client->exchange)
        client_drop(client);
}

void client_drop(struct client *client)
{
    connection_cut(client->connection);
    client->state = CLIENT_OVER;
    client_resume(client);
}

/* --- ticks: what is waited for, and for how long --------------------------------------- */

bool client_stalled(const struct client *client)
{
    uint64_t timeout = client->connection->snapshot->settings->listen.stall_timeout;
    return clock_ms() - client->progress >= timeout;
}

/* A suspended connection is out of libmicrohttpd's sight: a reset would go unseen. The watch is
 * set at the first tick and not before, as most requests are over by then. */
static void watch_for_reset(struct client *client)
{
    if (client->suspended)
        watch_set(client->connection->listener->parts.loop, &client->watch,
                  LOOP_HANGUP | LOOP_EDGE);
}

/* What the kernel still holds for the client gets less as the client reads. */
bool client_is_reading(struct client *client)
{
    int queued = 0;
    ioctl(client->connection->fd, SIOCOUTQ, &queued);
    bool less = queued < client->queued_bytes;
    client->queued_bytes = queued;
    return less;
}

static void tick_while_answering(struct client *client)
{
    if (client->suspended) {
        watch_for_reset(client); /* the stream's source is what is waited for */
        client_progress(client);
    } else if (client_is_reading(client)) {
        client_progress(client);
    } else if (client_stalled(client)) {
        connection_cut(client->connection);
    }
}

/* libmicrohttpd takes a read that fills less than its buffer for the last one there is, and asks
 * epoll for changes only: an end that came together with such bytes is lost on it. A resumed
 * connection it reads anew. */
static void read_anew(struct client *client)
{
    char byte;
    if (client->suspended || !client->body_wanted ||
        recv(client->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return;
    client_suspend(client);
    client_resume(client);
}

static void tick_while_receiving(struct client *client)
{
    watch_for_reset(client);
    read_anew(client);
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
