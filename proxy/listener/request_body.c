/* SPDX-License-Identifier: Apache-2.0 */
/* The request body, as its owner pulls it: from the current block, and then from the source of the
 * next one. That is libmicrohttpd's handler, or the socket (raw_body.c). */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <string.h>

enum { INTERIM_MAX = 4096 };

void client_invite(struct client *client)
{
    client_want(client);
    client_set_state(client, CLIENT_INVITED);
    client_resume(client);
}

/* libmicrohttpd is suspended, and has sent nothing of this request's answer yet. */
bool client_send_interim(struct client *client, const char *status, const struct headers *headers)
{
    struct buffer text;
    if (client->state != CLIENT_HELD || strcmp(client->version, "HTTP/1.0") == 0)
        return true;
    buffer_init(&text, INTERIM_MAX);
    bool good = buffer_print(&text, "HTTP/1.1 %s\r\n", status);
    headers_each(row, headers)
        good = good && buffer_print(&text, "%s: %s\r\n", row->name, row->value);
    good = good && buffer_append(&text, "\r\n", 2);
    size_t length = good ? text.len : 0;
    ssize_t sent = good ? net_write(&client->connection->socket, text.data, length) : 0;
    buffer_free(&text);
    if (!good || sent == (ssize_t)length)
        return true;
    client_drop(client);
    return false;
}

void client_count(struct client *client, size_t bytes)
{
    client->received += bytes;
    client_progress(client);
    if (client->framing.framing == FRAMING_LENGTH && client->received == client->framing.length)
        client->complete = true;
}

/* After the last byte of a block: the next one comes from the socket or from libmicrohttpd. */
static void block_taken(struct client *client)
{
    memset(&client->block, 0, sizeof client->block);
    buffer_clear(&client->kept);
    if (raw_body_wanted(client))
        raw_body_begin(client);
    else
        client_resume(client);
}

static size_t take_block(struct client *client, void *into, size_t room)
{
    size_t left = client->block.len - client->block.taken;
    size_t count = left < room ? left : room;
    memcpy(into, client->block.data + client->block.taken, count);
    client->block.taken += count;
    client_count(client, count);
    if (count == left)
        block_taken(client);
    return count;
}

ssize_t client_read(struct client *client, void *into, size_t room)
{
    if (client->lost_told || client->state == CLIENT_OVER)
        return STREAM_LOST;
    if (client->block.taken < client->block.len)
        return (ssize_t)take_block(client, into, room);
    if (client->complete)
        return STREAM_END;
    if (client->state == CLIENT_RAW_BODY)
        return raw_body_read(client, into, room);
    client_want(client);
    return STREAM_WAIT;
}

ssize_t client_splice(struct client *client, int pipe, size_t room)
{
    bool raw = client->state == CLIENT_RAW_BODY && !client->complete && !client->lost_told &&
               client->block.taken == client->block.len &&
               client->framing.framing == FRAMING_LENGTH;
    return raw ? raw_body_splice(client, pipe, room) : STREAM_NO_SPLICE;
}

/* Bytes that the owner does not read at once are copied. libmicrohttpd moves its own buffer while
 * the connection is suspended, and still calls the handler for chunks that it has read. All of them
 * fit in its pool, which bounds the copy. */
static void keep_block(struct client *client, const char *data, size_t count)
{
    if (!buffer_append(&client->kept, data, count)) {
        client_tell_lost(client, CLIENT_NO_MEMORY);
        if (client->state == CLIENT_RECEIVING) /* the owner has not answered */
            client_drop(client);
        return;
    }
    client->block.data = client->kept.data;
    client->block.len = client->kept.len;
    client_suspend(client);
}

static void offer_block(struct client *client, const char *data, size_t count)
{
    client->block.data = data;
    client->block.len = count;
    client->block.taken = 0;
    client_tell_readable(client);
    size_t taken = client->block.len ? client->block.taken : count;
    memset(&client->block, 0, sizeof client->block);
    if (taken < count && client->state == CLIENT_RECEIVING)
        keep_block(client, data + taken, count - taken);
}

enum MHD_Result client_receive_block(struct client *client, const char *data, size_t *size)
{
    size_t count = *size;
    *size = 0;
    client_progress(client);
    if (client->kept.len)
        keep_block(client, data, count);
    else
        offer_block(client, data, count);
    return client->state != CLIENT_OVER ? MHD_YES : MHD_NO;
}
