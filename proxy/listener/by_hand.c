/* SPDX-License-Identifier: Apache-2.0 */
/* An answer while the body is still coming.
 *
 * libmicrohttpd takes no answer in the middle of a body, and after an early one it closes at once,
 * so that a client that is still sending sees a reset instead of the answer. Here the connection
 * stays suspended; the answer is written to the socket with Connection: close, our side is shut
 * (a client that goes on sending then gets EPIPE, not a reset, and finds the answer), and what
 * still comes is read and dropped, within bounds. */
#include "listener/listener_priv.h"

#include "intake/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { DRAIN_MS = 10000, DRAIN_READS = 16 };
static const uint64_t DRAIN_BYTES = 512ULL << 20;

static bool compose(struct client *client)
{
    const struct reply *reply = &client->reply;
    struct buffer *wire = &client->wire;
    bool good = buffer_print(wire, "HTTP/1.1 %u %s\r\nConnection: close\r\n", reply->status,
                             reply_phrase(reply->status));
    headers_each(row, &reply->headers)
        good = good && buffer_print(wire, "%s: %s\r\n", row->name, row->value);
    if (!headers_get(&reply->headers, "Date")) {
        char date[64];
        time_t now = time(NULL);
        struct tm parts;
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
        good = good && buffer_print(wire, "Date: %s\r\n", date);
    }
    if (reply->status != 204)
        good = good && buffer_print(wire, "Content-Length: %zu\r\n", reply->body.len);
    good = good && buffer_append(wire, "\r\n", 2);
    if (strcmp(client->head.method, "HEAD") != 0)
        good = good && buffer_append(wire, reply->body.data, reply->body.len);
    return good;
}

static gnutls_session_t tls_of(const struct client *client)
{
    return MHD_get_connection_info(client->connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
        ->tls_session;
}

/* Bytes written; 0: the socket is full; -1: nobody reads there any more. */
static ssize_t write_some(struct client *client)
{
    const struct buffer *wire = &client->wire;
    if (client->connection->tls) {
        ssize_t count = gnutls_record_send(tls_of(client), wire->data, wire->len);
        if (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED)
            return 0;
        return count < 0 ? -1 : count;
    }
    ssize_t count =
        send(client->connection->fd, wire->data, wire->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return count;
}

static void drain(struct client *client)
{
    struct listener *listener = client->connection->listener;
    for (int i = 0; i < DRAIN_READS; i++) {
        ssize_t count =
            recv(client->connection->fd, listener->scratch, sizeof listener->scratch, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        client->drained += count > 0 ? (uint64_t)count : 0;
        if (count <= 0 || client->drained > DRAIN_BYTES) {
            client_drop(client);
            return;
        }
    }
}

static void start_draining(struct client *client)
{
    client->answered = true;
    client->state = CLIENT_DRAINING;
    client->drain_until = clock_ms() + DRAIN_MS;
    if (client->connection->tls)
        gnutls_bye(tls_of(client), GNUTLS_SHUT_WR);
    shutdown(client->connection->fd, SHUT_WR);
    if (!watch_set(client->connection->listener->parts.loop, &client->watch, LOOP_READ))
        client_drop(client);
}

static void flush(struct client *client)
{
    while (client->wire.len) {
        ssize_t count = write_some(client);
        if (count < 0) {
            client_drop(client);
            return;
        }
        if (count == 0) {
            watch_set(client->connection->listener->parts.loop, &client->watch, LOOP_WRITE);
            return;
        }
        buffer_drop(&client->wire, (size_t)count);
        client_progress(client);
    }
    start_draining(client);
}

static void ready(struct watch *watch, unsigned events)
{
    struct client *client = (struct client *)((char *)watch - offsetof(struct client, watch));
    (void)events;
    if (client->state == CLIENT_BY_HAND)
        flush(client);
    else
        drain(client);
}

void by_hand_answer(struct client *client)
{
    client_suspend(client);
    takeover_end(client);
    client->state = CLIENT_BY_HAND;
    client->watch.ready = ready;
    client_progress(client);
    if (compose(client))
        flush(client);
    else
        client_drop(client);
}

void by_hand_tick(struct client *client)
{
    bool stuck = client->state == CLIENT_BY_HAND && client_stalled(client);
    if (stuck || (client->state == CLIENT_DRAINING && clock_ms() >= client->drain_until))
        client_drop(client);
}
