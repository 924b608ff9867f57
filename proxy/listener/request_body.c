/* SPDX-License-Identifier: Apache-2.0 */
/* The body, as its owner pulls it: from the piece in hand, and then from wherever the next one
 * comes: libmicrohttpd's handler calls, or (raw_body.c) the socket. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <string.h>

void client_invite(struct client *client)
{
    client_want(client);
    client->state = CLIENT_INVITED;
    client_resume(client);
}

void client_count(struct client *client, size_t bytes)
{
    client->received += bytes;
    client_progress(client);
    if (client->framing.framing == FRAMING_LENGTH && client->received == client->framing.length)
        client->complete = true;
}

/* A piece that was taken whole gives way to the next: from the socket, or from libmicrohttpd. */
static void piece_taken(struct client *client)
{
    memset(&client->piece, 0, sizeof client->piece);
    buffer_clear(&client->kept);
    if (raw_body_wanted(client))
        raw_body_begin(client);
    else
        client_resume(client);
}

static size_t take_piece(struct client *client, void *into, size_t room)
{
    size_t left = client->piece.len - client->piece.taken;
    size_t count = left < room ? left : room;
    memcpy(into, client->piece.data + client->piece.taken, count);
    client->piece.taken += count;
    client_count(client, count);
    if (count == left)
        piece_taken(client);
    return count;
}

ssize_t client_read(struct client *client, void *into, size_t room)
{
    if (client->lost_told || client->state == CLIENT_OVER)
        return STREAM_LOST;
    if (client->piece.taken < client->piece.len)
        return (ssize_t)take_piece(client, into, room);
    if (client->complete)
        return STREAM_END;
    if (client->state == CLIENT_RAW_BODY)
        return raw_body_read(client, into, room);
    client_want(client);
    return STREAM_WAIT;
}

ssize_t client_splice(struct client *client, int pipe, size_t room)
{
    bool bare = client->state == CLIENT_RAW_BODY && !client->complete && !client->lost_told &&
                client->piece.taken == client->piece.len;
    return bare ? raw_body_splice(client, pipe, room) : STREAM_NO_SPLICE;
}

/* What is not taken at once is kept in a copy: libmicrohttpd moves its own while the connection is
 * suspended, and goes on calling for the chunks it has read already. That is at most its pool. */
static void keep(struct client *client, const char *data, size_t count)
{
    if (!buffer_append(&client->kept, data, count)) {
        client_tell_lost(client, CLIENT_NO_MEMORY);
        if (client->state == CLIENT_RECEIVING) /* its owner has nothing to say */
            client_drop(client);
        return;
    }
    client->piece.data = client->kept.data;
    client->piece.len = client->kept.len;
    client_suspend(client);
}

static void take_at_once(struct client *client, const char *data, size_t count)
{
    client->piece.data = data;
    client->piece.len = count;
    client->piece.taken = 0;
    client_tell_readable(client);
    size_t taken = client->piece.len ? client->piece.taken : count;
    memset(&client->piece, 0, sizeof client->piece);
    if (taken < count && client->state == CLIENT_RECEIVING)
        keep(client, data + taken, count - taken);
}

enum MHD_Result client_receive_piece(struct client *client, const char *data, size_t *size)
{
    size_t count = *size;
    *size = 0;
    client_progress(client);
    if (client->kept.len)
        keep(client, data, count);
    else
        take_at_once(client, data, count);
    return client->state != CLIENT_OVER ? MHD_YES : MHD_NO;
}
