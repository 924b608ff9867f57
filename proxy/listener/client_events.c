/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the owner of a request what has happened to it, and suspends and resumes libmicrohttpd's
 * connection. It is suspended while the owner decides or cannot take more. */
#include "listener/listener_priv.h"

#include "intake/clock.h"

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
    client->connection->listener->due =
        true; /* with an external epoll MHD_resume_connection() wakes nobody */
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
    client_set_state(client, CLIENT_OVER);
    client_resume(client);
}
