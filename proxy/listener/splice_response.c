/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an answer that is written by hand, as its stream gives it:
 *
 *     Glance's socket -> pipe -> client's socket      what nobody has to look at
 *     the stream      -> wire -> client's socket      anything else
 *
 * The pipe is the worker's. What the client's socket has no room for stays with the client, and
 * nothing more is asked of the stream before that is gone. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool splice_response_is_chunked(const struct client *client)
{
    return client->streaming && !client->stream.length_known &&
           strcmp(client->version, "HTTP/1.0") != 0;
}

/* --- by way of the pipe ---------------------------------------------------------------- */

static enum splice_result empty_pipe(struct client *client, struct pipe *from, size_t *count)
{
    while (*count) {
        ssize_t moved = splice(from->ends[0], NULL, client->connection->fd, NULL, *count,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved < 0 && (errno == EAGAIN || errno == EINTR))
            return SPLICE_FULL;
        if (moved <= 0)
            return SPLICE_LOST;
        *count -= (size_t)moved;
        client_progress(client);
    }
    return SPLICE_SOME;
}

static enum splice_result pour_stuck(struct client *client)
{
    struct listener *listener = client->connection->listener;
    enum splice_result splice_result =
        empty_pipe(client, &client->pipe_pending, &client->pipe_pending_count);
    if (splice_result == SPLICE_SOME && listener->pipe.ends[0] < 0) {
        listener->pipe = client->pipe_pending;
        client->pipe_pending = NO_PIPE;
    } else if (splice_result == SPLICE_SOME) {
        pipe_close(&client->pipe_pending);
    }
    return splice_result;
}

static enum splice_result pour_moved(struct client *client, size_t count)
{
    struct pipe *pipe = &client->connection->listener->pipe;
    enum splice_result splice_result = empty_pipe(client, pipe, &count);
    if (splice_result != SPLICE_SOME) { /* what is in it is this client's */
        client->pipe_pending = *pipe;
        client->pipe_pending_count = count;
        *pipe = NO_PIPE;
    }
    return splice_result;
}

/* --- by way of the wire ---------------------------------------------------------------- */

static bool put_on_wire(struct client *client, size_t count)
{
    const char *bytes = client->connection->listener->scratch;
    struct buffer *wire = &client->wire;
    if (!splice_response_is_chunked(client))
        return buffer_append(wire, bytes, count);
    return buffer_print(wire, "%zx\r\n", count) && buffer_append(wire, bytes, count) &&
           buffer_append(wire, "\r\n", 2);
}

/* The last chunk says that this is the end; else the length does, or the connection's end. */
static enum splice_result end_of_stream(struct client *client)
{
    client->streaming_raw = false;
    if (splice_response_is_chunked(client) && !buffer_append(&client->wire, "0\r\n\r\n", 5))
        return SPLICE_LOST;
    return SPLICE_SOME;
}

/* --- the next piece -------------------------------------------------------------------- */

static ssize_t take(struct client *client, bool *moved)
{
    struct listener *listener = client->connection->listener;
    const struct client_stream *stream = &client->stream;
    *moved = false;
    if (stream->move && !client->connection->tls && pipe_open(&listener->pipe)) {
        ssize_t got = stream->move(stream->context, listener->pipe.ends[1], PIPE_SIZE);
        *moved = got != STREAM_NO_SPLICE;
        if (*moved)
            return got;
    }
    return stream->pull(stream->context, listener->scratch, sizeof listener->scratch);
}

enum splice_result splice_response_piece(struct client *client)
{
    if (client->pipe_pending_count)
        return pour_stuck(client);
    bool moved;
    ssize_t got = take(client, &moved);
    switch (got) {
    case STREAM_WAIT:
        return SPLICE_NONE;
    case STREAM_END:
        return end_of_stream(client);
    case STREAM_LOST:
        return SPLICE_LOST;
    default:
        if (moved)
            return pour_moved(client, (size_t)got);
        return put_on_wire(client, (size_t)got) ? SPLICE_SOME : SPLICE_LOST;
    }
}

void splice_response_end(struct client *client)
{
    pipe_close(&client->pipe_pending);
}
