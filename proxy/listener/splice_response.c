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

bool pour_is_chunked(const struct client *client)
{
    return client->streaming && !client->stream.length_known &&
           strcmp(client->version, "HTTP/1.0") != 0;
}

/* --- by way of the pipe ---------------------------------------------------------------- */

static enum poured empty_pipe(struct client *client, struct pipe *from, size_t *count)
{
    while (*count) {
        ssize_t moved = splice(from->ends[0], NULL, client->connection->fd, NULL, *count,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved < 0 && (errno == EAGAIN || errno == EINTR))
            return POURED_FULL;
        if (moved <= 0)
            return POURED_LOST;
        *count -= (size_t)moved;
        client_progress(client);
    }
    return POURED_SOME;
}

static enum poured pour_stuck(struct client *client)
{
    struct listener *listener = client->connection->listener;
    enum poured poured = empty_pipe(client, &client->stuck, &client->stuck_count);
    if (poured == POURED_SOME && listener->pipe.ends[0] < 0) {
        listener->pipe = client->stuck;
        client->stuck = NO_PIPE;
    } else if (poured == POURED_SOME) {
        pipe_close(&client->stuck);
    }
    return poured;
}

static enum poured pour_moved(struct client *client, size_t count)
{
    struct pipe *pipe = &client->connection->listener->pipe;
    enum poured poured = empty_pipe(client, pipe, &count);
    if (poured != POURED_SOME) { /* what is in it is this client's */
        client->stuck = *pipe;
        client->stuck_count = count;
        *pipe = NO_PIPE;
    }
    return poured;
}

/* --- by way of the wire ---------------------------------------------------------------- */

static bool put_on_wire(struct client *client, size_t count)
{
    const char *bytes = client->connection->listener->scratch;
    struct buffer *wire = &client->wire;
    if (!pour_is_chunked(client))
        return buffer_append(wire, bytes, count);
    return buffer_print(wire, "%zx\r\n", count) && buffer_append(wire, bytes, count) &&
           buffer_append(wire, "\r\n", 2);
}

/* The last chunk says that this is the end; else the length does, or the connection's end. */
static enum poured end_of_stream(struct client *client)
{
    client->pouring = false;
    if (pour_is_chunked(client) && !buffer_append(&client->wire, "0\r\n\r\n", 5))
        return POURED_LOST;
    return POURED_SOME;
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

enum poured pour_piece(struct client *client)
{
    if (client->stuck_count)
        return pour_stuck(client);
    bool moved;
    ssize_t got = take(client, &moved);
    switch (got) {
    case STREAM_WAIT:
        return POURED_NONE;
    case STREAM_END:
        return end_of_stream(client);
    case STREAM_LOST:
        return POURED_LOST;
    default:
        if (moved)
            return pour_moved(client, (size_t)got);
        return put_on_wire(client, (size_t)got) ? POURED_SOME : POURED_LOST;
    }
}

void pour_end(struct client *client)
{
    pipe_close(&client->stuck);
}
