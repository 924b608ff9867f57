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

#include <string.h>

bool stream_response_is_chunked(const struct client *client)
{
    return client->streaming && !client->stream.length_known &&
           strcmp(client->version, "HTTP/1.0") != 0;
}

/* --- through the pipe ------------------------------------------------------------------ */

/* What a call has sent is progress even if it did not send everything. */
static enum splice_result sent(struct client *client, enum stream_code code, bool progress)
{
    if (progress)
        client_progress(client);
    if (code == STREAM_END)
        return SPLICE_SOME;
    return code == STREAM_WAIT ? SPLICE_FULL : SPLICE_LOST;
}

static enum splice_result send_unsent(struct client *client)
{
    struct connection *connection = client->connection;
    size_t before = client->unsent.count;
    enum stream_code code =
        pipe_send_unsent(&client->unsent, &connection->socket, &connection->listener->pipe);
    return sent(client, code, client->unsent.count < before);
}

static enum splice_result send_spliced(struct client *client, size_t count)
{
    struct connection *connection = client->connection;
    enum stream_code code =
        pipe_send(&connection->listener->pipe, count, &connection->socket, &client->unsent);
    return sent(client, code, client->unsent.count < count);
}

/* --- through the output buffer --------------------------------------------------------- */

static bool append_output(struct client *client, size_t count)
{
    const char *bytes = client->connection->listener->scratch;
    struct buffer *output = &client->output;
    if (!stream_response_is_chunked(client))
        return buffer_append(output, bytes, count);
    return buffer_print(output, "%zx\r\n", count) && buffer_append(output, bytes, count) &&
           buffer_append(output, "\r\n", 2);
}

/* With chunked coding the last chunk marks the end of the body. Without it the length does, or the
 * end of the connection. */
static enum splice_result end_of_stream(struct client *client)
{
    client->streaming_raw = false;
    if (stream_response_is_chunked(client) && !buffer_append(&client->output, "0\r\n\r\n", 5))
        return SPLICE_LOST;
    return SPLICE_SOME;
}

/* --- the next block -------------------------------------------------------------------- */

static ssize_t read_stream(struct client *client, bool *spliced)
{
    struct listener *listener = client->connection->listener;
    const struct client_stream *stream = &client->stream;
    *spliced = false;
    if (stream->move && net_can_splice(&client->connection->socket) && pipe_open(&listener->pipe)) {
        ssize_t got = stream->move(stream->context, listener->pipe.ends[1], PIPE_SIZE);
        *spliced = got != STREAM_NO_SPLICE;
        if (*spliced)
            return got;
    }
    return stream->pull(stream->context, listener->scratch, sizeof listener->scratch);
}

enum splice_result stream_response_next(struct client *client)
{
    if (client->unsent.count)
        return send_unsent(client);
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
            return send_spliced(client, (size_t)got);
        return append_output(client, (size_t)got) ? SPLICE_SOME : SPLICE_LOST;
    }
}
