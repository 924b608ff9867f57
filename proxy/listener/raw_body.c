/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a large request body from the socket, past libmicrohttpd.
 *
 * libmicrohttpd parses the head, sends 100 Continue and delivers the first block. After that its
 * connection stays suspended until the end. That saves a copy and two system calls per block, and
 * it is the only way to answer in the middle of a body. raw_response.c always writes the answer. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The socket becomes readable when this many bytes have arrived (fewer at the end of the body). So
 * a client that is slower than the proxy costs few large reads instead of many small ones. */
enum { LOW_WATER = PIPE_SIZE };

static uint64_t remaining(const struct client *client)
{
    return client->framing.length - client->received;
}

bool raw_body_wanted(const struct client *client)
{
    return client->state == CLIENT_RECEIVING && client->framing.framing == FRAMING_LENGTH &&
           client->framing.length >= RAW_BODY_MIN && remaining(client) > 0;
}

static struct loop *loop_of(const struct client *client)
{
    return client->connection->listener->parts.loop;
}

/* Level-triggered while bytes are wanted. Otherwise only a reset matters. */
static void update_watch(struct client *client)
{
    unsigned events = client->body_wanted && !client->complete ? LOOP_READ | LOOP_HANGUP
                                                               : LOOP_HANGUP | LOOP_EDGE;
    watch_set(loop_of(client), &client->watch, events);
}

static void ready(struct watch *watch, unsigned events)
{
    struct client *client = (struct client *)((char *)watch - offsetof(struct client, watch));
    if (events & LOOP_ERROR && !(events & LOOP_READ)) {
        client_tell_lost(client, CLIENT_VANISHED);
        return;
    }
    if (!client->body_wanted)
        return;
    client_tell_readable(client);
    if (client->state == CLIENT_RAW_BODY)
        update_watch(client);
}

/* Never more than the rest of the body, or the rest would not wake the loop. With TLS, GnuTLS may
 * have read the start of a record already. */
static int low_water(const struct client *client)
{
    uint64_t bytes = remaining(client);
    if (bytes < LOW_WATER * (client->connection->tls ? 2 : 1))
        return client->connection->tls || !bytes ? 1 : (int)bytes;
    return LOW_WATER;
}

static void set_low_water(struct client *client)
{
    int bytes = low_water(client);
    if (bytes != client->low_water)
        setsockopt(client->connection->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    client->low_water = bytes;
}

void raw_body_begin(struct client *client)
{
    client_suspend(client);
    client->state = CLIENT_RAW_BODY;
    client->connection->reads_eof = true; /* the guard does not see these bytes */
    buffer_free(&client->kept);
    watch_set(loop_of(client), &client->watch, 0);
    client->watch.ready = ready;
    if (client->connection->tls)
        raw_body_tls_begin(client);
    set_low_water(client);
    update_watch(client);
}

static ssize_t receive_plain(struct client *client, void *into, size_t room)
{
    ssize_t count = recv(client->connection->fd, into, room, MSG_DONTWAIT);
    if (count > 0)
        return count;
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? STREAM_WAIT : STREAM_LOST;
}

static size_t limit_to_body(const struct client *client, size_t room)
{
    return room < remaining(client) ? room : (size_t)remaining(client);
}

static ssize_t note_read(struct client *client, ssize_t count)
{
    if (count > 0) {
        client_count(client, (size_t)count);
        set_low_water(client);
    } else if (count == STREAM_WAIT) {
        client_want(client);
        update_watch(client);
    }
    return count;
}

ssize_t raw_body_read(struct client *client, void *into, size_t room)
{
    room = limit_to_body(client, room);
    return note_read(client, client->connection->tls ? raw_body_tls_receive(client, into, room)
                                                     : receive_plain(client, into, room));
}

ssize_t raw_body_splice(struct client *client, int pipe, size_t room)
{
    if (client->connection->tls)
        return STREAM_NO_SPLICE;
    ssize_t count = splice(client->connection->fd, NULL, pipe, NULL, limit_to_body(client, room),
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (count <= 0)
        count = count < 0 && (errno == EAGAIN || errno == EINTR) ? STREAM_WAIT : STREAM_LOST;
    return note_read(client, count);
}

/* Fewer bytes than the low water mark do not wake the loop. So each tick checks for them. */
void raw_body_tick(struct client *client)
{
    if (!client->body_wanted) {
        update_watch(client);
        return;
    }
    int waiting = 0;
    ioctl(client->connection->fd, FIONREAD, &waiting);
    if (waiting > 0) {
        client_tell_readable(client);
        if (client->state == CLIENT_RAW_BODY)
            update_watch(client);
        return;
    }
    if (!client->complete && client_stalled(client))
        client_tell_lost(client, CLIENT_STALLED);
}

void raw_body_end(struct client *client)
{
    int bytes = 1;
    setsockopt(client->connection->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    watch_set(loop_of(client), &client->watch, 0);
}
