/* SPDX-License-Identifier: Apache-2.0 */
/* A large body is read from the socket itself.
 *
 * libmicrohttpd parses the head, sends 100 Continue and delivers the first piece; after that its
 * connection stays suspended for good. That saves a copy and two system calls per piece, and it
 * is the only way to answer in the middle of a body. The answer is always written by hand. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel wakes us for at least this much (less at the end of the body): a client slower than
 * the proxy then costs few large reads, not many small ones, each of a whole pipe. */
enum { LOW_WATER = PIPE_SIZE };

static uint64_t left(const struct client *client)
{
    return client->framing.length - client->received;
}

bool raw_body_wanted(const struct client *client)
{
    return client->state == CLIENT_RECEIVING && client->framing.framing == FRAMING_LENGTH &&
           client->framing.length >= RAW_BODY_MIN && left(client) > 0;
}

static struct loop *loop_of(const struct client *client)
{
    return client->connection->listener->parts.loop;
}

/* Level-triggered while bytes are wanted; otherwise only a reset is of interest. */
static void watch_as_wanted(struct client *client)
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
        watch_as_wanted(client);
}

/* Never more than is still to come, or it would lie there: with TLS the begin of a record may have
 * been read already. */
static int low_water(const struct client *client)
{
    uint64_t rest = left(client);
    if (rest < LOW_WATER * (client->connection->tls ? 2 : 1))
        return client->connection->tls || !rest ? 1 : (int)rest;
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
    client->connection->deaf = true; /* the guard does not see what comes now */
    buffer_free(&client->kept);
    watch_set(loop_of(client), &client->watch, 0);
    client->watch.ready = ready;
    if (client->connection->tls)
        raw_body_tls_begin(client);
    set_low_water(client);
    watch_as_wanted(client);
}

static ssize_t receive_plain(struct client *client, void *into, size_t room)
{
    ssize_t count = recv(client->connection->fd, into, room, MSG_DONTWAIT);
    if (count > 0)
        return count;
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? STREAM_WAIT : STREAM_LOST;
}

static size_t at_most_left(const struct client *client, size_t room)
{
    return room < left(client) ? room : (size_t)left(client);
}

static ssize_t took(struct client *client, ssize_t count)
{
    if (count > 0) {
        client_count(client, (size_t)count);
        set_low_water(client);
    } else if (count == STREAM_WAIT) {
        client_want(client);
        watch_as_wanted(client);
    }
    return count;
}

ssize_t raw_body_read(struct client *client, void *into, size_t room)
{
    room = at_most_left(client, room);
    return took(client, client->connection->tls ? raw_body_tls_receive(client, into, room)
                                                : receive_plain(client, into, room));
}

ssize_t raw_body_splice(struct client *client, int pipe, size_t room)
{
    if (client->connection->tls)
        return STREAM_NO_SPLICE;
    ssize_t count = splice(client->connection->fd, NULL, pipe, NULL, at_most_left(client, room),
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (count <= 0)
        count = count < 0 && (errno == EAGAIN || errno == EINTR) ? STREAM_WAIT : STREAM_LOST;
    return took(client, count);
}

/* Fewer bytes than the low water mark do not wake us; they must not lie there for long either. */
void raw_body_tick(struct client *client)
{
    if (!client->body_wanted) {
        watch_as_wanted(client);
        return;
    }
    int waiting = 0;
    ioctl(client->connection->fd, FIONREAD, &waiting);
    if (waiting > 0) {
        client_tell_readable(client);
        if (client->state == CLIENT_RAW_BODY)
            watch_as_wanted(client);
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
