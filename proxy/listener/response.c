/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that libmicrohttpd sends: complete ones, and streamed ones that come from their owner. In
 * the middle of a body libmicrohttpd takes no answer; raw_response.c then writes it. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <string.h>

enum { STREAM_BLOCK = 32 * 1024 };

/* If a content reader returns an error right after a resume, libmicrohttpd closes the connection
 * but never cleans it up. So the socket is shut down, and the reader returns one byte.
 * libmicrohttpd handles the failed send correctly. */
static ssize_t abort_response(struct client *client, char *into)
{
    connection_cut(client->connection);
    *into = '\0';
    return 1;
}

/* With chunked coding the last chunk marks the end of the body. Without it the end of the
 * connection does, and nothing more is sent. */
static ssize_t end_stream(struct client *client, char *into)
{
    if (!response_ends_by_close(client))
        return MHD_CONTENT_READER_END_OF_STREAM;
    client->answered = true; /* libmicrohttpd is going to report a failure */
    net_end_sending(&client->connection->socket);
    *into = '\0';
    return 1;
}

static ssize_t stream_reader(void *context, uint64_t position, char *into, size_t room)
{
    (void)position;
    struct client *client = context;
    if (client->state == CLIENT_OVER)
        return abort_response(client, into); /* if it was suspended, nothing would resume it */
    ssize_t count = client->stream.pull(client->stream.context, into, room);
    switch (count) {
    case STREAM_WAIT:
        client_suspend(client);
        return 0;
    case STREAM_END:
        return end_stream(client, into);
    case STREAM_LOST:
        return abort_response(client, into);
    default:
        client_progress(client);
        return count;
    }
}

static struct MHD_Response *make_response(struct client *client)
{
    if (client->streaming && (!client->stream.length_known || client->stream.length))
        return MHD_create_response_from_callback(client->stream.length_known ? client->stream.length
                                                                             : MHD_SIZE_UNKNOWN,
                                                 STREAM_BLOCK, stream_reader, client, NULL);
    /* The reply lives as long as the client, and so as long as the response. */
    return MHD_create_response_from_buffer(client->reply.body.len, client->reply.body.data,
                                           MHD_RESPMEM_PERSISTENT);
}

/* For a HEAD whose answer has no length, libmicrohttpd would send the last chunk of a chunked body.
 * Without chunked coding it sends none, and closes the connection. */
static void forbid_chunks(const struct client *client, struct MHD_Response *response)
{
    bool is_head = strcmp(client->method, "HEAD") == 0;
    if (is_head && client->streaming && !client->stream.length_known)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

/* libmicrohttpd refuses an empty field value. A single space means the same (RFC 9110 5.5).
 * Connection has to be added first, or libmicrohttpd forgets that the response has a Date. */
static void fill_headers(struct client *client, struct MHD_Response *response)
{
    if (connection_is_last(client->connection))
        MHD_add_response_header(response, "Connection", "close");
    headers_each(row, &client->reply.headers)
        MHD_add_response_header(response, row->name, *row->value ? row->value : " ");
}

bool response_ends_by_close(const struct client *client)
{
    return client->streaming && !client->stream.length_known &&
           strcmp(client->version, "HTTP/1.0") == 0 && !response_is_bodyless(client);
}

bool response_is_bodyless(const struct client *client)
{
    unsigned status = client->reply.status;
    return status == 204 || status == 304 || strcmp(client->method, "HEAD") == 0;
}

enum MHD_Result client_queue_answer(struct client *client)
{
    struct MHD_Response *response = make_response(client);
    if (!response) {
        client_out_of_memory(client);
        return MHD_YES;
    }
    forbid_chunks(client, response);
    fill_headers(client, response);
    client_set_state(client, CLIENT_ANSWERING);
    client_progress(client);
    enum MHD_Result result =
        MHD_queue_response(client->connection->mhd, client->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

/* libmicrohttpd keeps both heads in the connection's pool, with an entry for each request field and
 * each cookie. If they do not fit, it closes the connection without an answer. */
static bool has_room_for_heads(const struct client *client)
{
    enum { ENTRY = 64, AROUND = sizeof ": \r\n", LINES = 512 };
    size_t used = LINES + strlen(client->target);
    headers_each(row, &client->head.headers) {
        used += strlen(row->name) + strlen(row->value) + AROUND + ENTRY;
        if (header_name_is(row->name, "Cookie"))
            for (const char *at = row->value; *at; at++)
                used += *at == ';' ? ENTRY + 1 : 1;
    }
    headers_each(row, &client->reply.headers)
        used += strlen(row->name) + strlen(row->value) + AROUND;
    return used <= CONNECTION_POOL;
}

void client_answer(struct client *client, struct reply *reply)
{
    if (client->state == CLIENT_OVER)
        return;
    reply_free(&client->reply);
    client->reply = *reply;
    reply_init(reply);
    if (!client_can_stream(client) || !has_room_for_heads(client)) {
        raw_response_begin(client);
        return;
    }
    client_set_state(client, CLIENT_ANSWERABLE);
    client_resume(client);
}

void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers)
{
    if (client->state == CLIENT_OVER)
        return;
    client->stream = *stream;
    client->streaming = true;
    client->reply.status = stream->status;
    headers_free(&client->reply.headers);
    client->reply.headers = *headers;
    *headers = (struct headers){0};
    if (stream->move || !has_room_for_heads(client)) {
        raw_response_begin(client);
        return;
    }
    client_set_state(client, CLIENT_ANSWERABLE);
    client_resume(client);
}

void client_more(struct client *client)
{
    if (client->state == CLIENT_ANSWERING)
        client_resume(client);
    else if (client->state == CLIENT_RAW_RESPONSE)
        raw_response_more(client);
}
