/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an answer to the socket, past libmicrohttpd. The connection stays suspended, and ends
 * after the answer: libmicrohttpd cannot take it back.
 *
 * This is how the proxy answers in the middle of a body. libmicrohttpd takes no answer there, and
 * after an early answer it closes at once, so that a client that is still sending sees a reset
 * instead of the answer. Here only the proxy's sending side is shut down after the answer. A client
 * that goes on sending then gets EPIPE, not a reset, and finds the answer. The proxy reads and
 * drops what it still sends, within bounds.
 *
 * Large answers (stream_response.c) are sent this way, too, and answers whose head is too large for
 * libmicrohttpd's pool. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>

/* Many clients send the whole body before they read the answer. Over a slow line that takes a
 * while: the drain goes on as long as bytes come, but has an end. */
enum { DRAIN_IDLE_MS = 10 * 1000, DRAIN_MAX_MS = 120 * 1000, DRAIN_READS = 16 };
/* Bounds for a caller whose token Glance has not accepted: enough for the answer to arrive. */
enum { UNTRUSTED_MS = 1000, UNTRUSTED_BYTES = 64 * 1024 };
/* Blocks per turn of the loop, so that other clients get their turn. */
enum { BLOCKS_PER_TURN = 2 };
static const uint64_t DRAIN_BYTES = 512ULL << 20;

/* --- the head -------------------------------------------------------------------------- */

static bool add_date(struct buffer *output)
{
    char date[64];
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    return buffer_print(output, "Date: %s\r\n", date);
}

static bool add_framing(struct client *client)
{
    const struct client_stream *stream = &client->stream;
    uint64_t length = client->streaming ? stream->length : client->reply.body.len;
    if (client->reply.status == 204 || (response_is_bodyless(client) && !length))
        return true; /* the length of the omitted body is not known */
    if (!client->streaming || stream->length_known)
        return buffer_print(&client->output, "Content-Length: %" PRIu64 "\r\n", length);
    return !stream_response_is_chunked(client) ||
           buffer_print(&client->output, "Transfer-Encoding: chunked\r\n");
}

static bool compose(struct client *client)
{
    const struct reply *reply = &client->reply;
    struct buffer *output = &client->output;
    bool good = buffer_print(output, "HTTP/1.1 %u %s\r\nConnection: close\r\n", reply->status,
                             reply_phrase(reply->status));
    headers_each(row, &reply->headers)
        good = good && buffer_print(output, "%s: %s\r\n", row->name, row->value);
    if (!headers_get(&reply->headers, "Date"))
        good = good && add_date(output);
    good = good && add_framing(client) && buffer_append(output, "\r\n", 2);
    client->streaming_raw = client->streaming && !response_is_bodyless(client);
    if (!client->streaming && !response_is_bodyless(client))
        good = good && buffer_append(output, reply->body.data, reply->body.len);
    return good;
}

/* --- writing --------------------------------------------------------------------------- */

static enum splice_result flush_output(struct client *client)
{
    const struct buffer *output = &client->output;
    while (output->len) {
        ssize_t count = net_write(&client->connection->socket, output->data, output->len);
        if (count <= 0)
            return count == STREAM_WAIT ? SPLICE_FULL : SPLICE_LOST;
        buffer_drop(&client->output, (size_t)count);
        client_progress(client);
    }
    return SPLICE_SOME;
}

/* --- the drain after it ---------------------------------------------------------------- */

static uint64_t drain_limit(const struct client *client)
{
    return client->vouched ? DRAIN_BYTES : UNTRUSTED_BYTES;
}

/* With TLS these bytes are encrypted, and GnuTLS does not see them. */
static void drain(struct client *client)
{
    struct listener *listener = client->connection->listener;
    const struct net_socket socket = net_socket_plain(client->connection->socket.fd);
    for (int i = 0; i < DRAIN_READS; i++) {
        size_t room = (size_t)MIN(drain_limit(client) - client->drained, sizeof listener->scratch);
        ssize_t count = net_read(&socket, listener->scratch, room);
        if (count == STREAM_WAIT)
            return;
        client->drained += count > 0 ? (uint64_t)count : 0;
        client->drain_until = MIN(clock_ms() + DRAIN_IDLE_MS, client->drain_end);
        if (count <= 0 || client->drained == drain_limit(client)) {
            client_drop(client);
            return;
        }
    }
}

static void start_draining(struct client *client)
{
    client->answered = true;
    client_set_state(client, CLIENT_DRAINING);
    uint64_t now = clock_ms();
    client->drain_end = now + (client->vouched ? DRAIN_MAX_MS : UNTRUSTED_MS);
    client->drain_until = MIN(now + DRAIN_IDLE_MS, client->drain_end);
    net_end_sending(&client->connection->socket);
    if (!watch_set(client->connection->listener->parts.loop, &client->watch, LOOP_READ))
        client_drop(client);
}

/* --- without any memory ---------------------------------------------------------------- */

#define OUT_OF_MEMORY_BODY                                                                         \
    "{\"message\": \"This proxy does not have enough memory and has ended the request. Try "       \
    "again in a moment.\", \"code\": \"503 Service Unavailable\", \"title\": \"Service "           \
    "Unavailable\", "                                                                              \
    "\"reason\": \"out_of_memory\", \"hint\": \"Try again in a moment; if it fails again, tell "   \
    "the operator.\"}\n"

/* This is the first write of the answer, so its few bytes fit into the socket's buffer. If they do
 * not, the connection ends without an answer. */
static void write_out_of_memory(struct client *client)
{
    static const char body[] = OUT_OF_MEMORY_BODY;
    char text[1024];
    int count = snprintf(text, sizeof text,
                         "HTTP/1.1 503 %s\r\nConnection: close\r\nContent-Type: "
                         "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         reply_phrase(503), sizeof body - 1,
                         client->method && strcmp(client->method, "HEAD") == 0 ? "" : body);
    net_write(&client->connection->socket, text, (size_t)count);
    metrics_answered(client->connection->listener->parts.metrics, 503);
}

/* --- from beginning to end ------------------------------------------------------------- */

static void wait_for(struct client *client, unsigned events)
{
    if (!watch_set(client->connection->listener->parts.loop, &client->watch, events))
        client_drop(client);
}

/* Writes a few blocks, then returns to the loop so that other clients get their turn. */
static void write_more(struct client *client)
{
    enum splice_result splice_result = SPLICE_SOME;
    for (int block = 0; block < BLOCKS_PER_TURN && splice_result == SPLICE_SOME; block++) {
        splice_result = flush_output(client);
        if (splice_result == SPLICE_SOME)
            splice_result = client->streaming_raw ? stream_response_next(client) : SPLICE_ALL;
    }
    client->source_dry = splice_result == SPLICE_NONE;
    switch (splice_result) {
    case SPLICE_ALL:
        start_draining(client);
        break;
    case SPLICE_LOST:
        client_drop(client);
        break;
    case SPLICE_NONE: /* until client_more() only a reset matters */
        wait_for(client, LOOP_HANGUP | LOOP_EDGE);
        break;
    default:
        wait_for(client, LOOP_WRITE);
    }
}

static void ready(struct watch *watch, unsigned events)
{
    struct client *client = TAGGED_CONTAINER_OF(watch, struct client, watch, OBJECT_CLIENT);
    if (client->state != CLIENT_RAW_RESPONSE)
        drain(client);
    else if (events & LOOP_ERROR)
        client_drop(client);
    else if (events & LOOP_WRITE)
        write_more(client);
}

void raw_response_begin(struct client *client)
{
    client_suspend(client);
    raw_body_end(client);
    client_set_state(client, CLIENT_RAW_RESPONSE);
    client->watch.ready = ready;
    client_progress(client);
    if (compose(client)) {
        write_more(client);
        return;
    }
    write_out_of_memory(client);
    start_draining(client);
}

void client_out_of_memory(struct client *client)
{
    if (client->state >= CLIENT_ANSWERING) {
        client_drop(client);
        return;
    }
    client_suspend(client);
    raw_body_end(client);
    client->watch.ready = ready;
    write_out_of_memory(client);
    start_draining(client);
}

void raw_response_more(struct client *client)
{
    if (client->source_dry)
        write_more(client);
}

/* A wait for the stream's source does not count as a stall of the client. */
void raw_response_tick(struct client *client)
{
    bool late = client->state == CLIENT_DRAINING && clock_ms() >= client->drain_until;
    if (client->state == CLIENT_RAW_RESPONSE && (client->source_dry || client_is_reading(client)))
        client_progress(client);
    if (late || (client->state == CLIENT_RAW_RESPONSE && client_stalled(client)))
        client_drop(client);
}
