/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the streamed body of an answer that raw_response.c writes:
 *
 *     Glance's socket -> pipe   -> client's socket      bytes that need not be read
 *     the stream      -> output -> client's socket      all others
 *
 * The pipe belongs to the worker. If the client's socket is full, the client keeps the unsent
 * bytes, and the stream is not asked for more until they are sent. */
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

/* --- through the pipe ------------------------------------------------------------------ */

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

static enum splice_result flush_pending_pipe(struct client *client)
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

static enum splice_result flush_spliced(struct client *client, size_t count)
{
    struct pipe *pipe = &client->connection->listener->pipe;
    enum splice_result splice_result = empty_pipe(client, pipe, &count);
    if (splice_result != SPLICE_SOME) { /* the client keeps the pipe with its unsent bytes */
        client->pipe_pending = *pipe;
        client->pipe_pending_count = count;
        *pipe = NO_PIPE;
    }
    return splice_result;
}

/* --- through the output buffer --------------------------------------------------------- */

static bool append_output(struct client *client, size_t count)
{
    const char *bytes = client->connection->listener->scratch;
    struct buffer *output = &client->output;
    if (!splice_response_is_chunked(client))
        return buffer_append(output, bytes, count);
    return buffer_print(output, "%zx\r\n", count) && buffer_append(output, bytes, count) &&
           buffer_append(output, "\r\n", 2);
}

/* With chunked coding the last chunk marks the end of the body. Without it the length does, or the
 * end of the connection. */
static enum splice_result end_of_stream(struct client *client)
{
    client->streaming_raw = false;
    if (splice_response_is_chunked(client) && !buffer_append(&client->output, "0\r\n\r\n", 5))
        return SPLICE_LOST;
    return SPLICE_SOME;
}

/* --- the next block -------------------------------------------------------------------- */

static ssize_t read_stream(struct client *client, bool *spliced)
{
    struct listener *listener = client->connection->listener;
    const struct client_stream *stream = &client->stream;
    *spliced = false;
    if (stream->move && !client->connection->tls && pipe_open(&listener->pipe)) {
        ssize_t got = stream->move(stream->context, listener->pipe.ends[1], PIPE_SIZE);
        *spliced = got != STREAM_NO_SPLICE;
        if (*spliced)
            return got;
    }
    return stream->pull(stream->context, listener->scratch, sizeof listener->scratch);
}

enum splice_result splice_response_next(struct client *client)
{
    if (client->pipe_pending_count)
        return flush_pending_pipe(client);
    bool spliced;
    ssize_t got = read_stream(client, &spliced);
    switch (got) {
    case STREAM_WAIT:
        return SPLICE_NONE;
    case STREAM_END:
        return end_of_stream(client);
    case STREAM_LOST:
        return SPLICE_LOST;
    default:
        if (spliced)
            return flush_spliced(client, (size_t)got);
        return append_output(client, (size_t)got) ? SPLICE_SOME : SPLICE_LOST;
    }
}

void splice_response_end(struct client *client)
{
    pipe_close(&client->pipe_pending);
}
