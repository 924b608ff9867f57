/* SPDX-License-Identifier: Apache-2.0 */
/* A large body is read from the socket itself.
 *
 * libmicrohttpd parses the head, sends 100 Continue and delivers the first piece; after that its
 * connection stays suspended for good. That saves a copy and two system calls per piece, and it
 * is the only way to answer in the middle of a body. The answer is always written by hand. */
#include "listener/listener_priv.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel wakes us for at least this much (less at the end of the body): a client slower than
 * the proxy then costs few large reads, not many small ones. */
enum { LOW_WATER = 256 * 1024 };

static uint64_t left(const struct client *client)
{
    return client->framing.length - client->received;
}

bool takeover_wanted(const struct client *client)
{
    return client->state == CLIENT_RECEIVING && client->framing.framing == FRAMING_LENGTH &&
           client->framing.length >= TAKEOVER_MIN && left(client) > 0;
}

static struct loop *loop_of(const struct client *client)
{
    return client->connection->listener->parts.loop;
}

/* Level-triggered while bytes are wanted; otherwise only a reset is of interest. */
static void watch_as_wanted(struct client *client)
{
    unsigned events =
        client->wanting && !client->complete ? LOOP_READ | LOOP_HANGUP : LOOP_HANGUP | LOOP_EDGE;
    watch_set(loop_of(client), &client->watch, events);
}

static void ready(struct watch *watch, unsigned events)
{
    struct client *client = (struct client *)((char *)watch - offsetof(struct client, watch));
    if (events & LOOP_ERROR && !(events & LOOP_READ)) {
        client_tell_lost(client, CLIENT_VANISHED);
        return;
    }
    if (!client->wanting)
        return;
    client_tell_readable(client);
    if (client->state == CLIENT_TAKEN_OVER)
        watch_as_wanted(client);
}

static void set_low_water(struct client *client)
{
    if (client->connection->tls)
        return; /* records, not bytes, are what is waited for */
    uint64_t rest = left(client);
    int bytes = rest < LOW_WATER ? (int)(rest ? rest : 1) : LOW_WATER;
    setsockopt(client->connection->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

void takeover_begin(struct client *client)
{
    client_suspend(client);
    client->state = CLIENT_TAKEN_OVER;
    buffer_free(&client->kept);
    watch_set(loop_of(client), &client->watch, 0);
    client->watch.ready = ready;
    set_low_water(client);
    watch_as_wanted(client);
}

static ssize_t receive_plain(struct client *client, void *into, size_t room)
{
    ssize_t count = recv(client->connection->fd, into, room, MSG_DONTWAIT);
    if (count > 0)
        return count;
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? CLIENT_WAIT : CLIENT_LOST;
}

/* GnuTLS keeps what is left of a record, which no watch would tell of: so a caller reads until
 * CLIENT_WAIT before it sleeps, which is what client_read() asks of its callers anyway. What is
 * not data and no end either (half a record, a warning, a new key) is waited over. */
static ssize_t receive_tls(struct client *client, char *into, size_t room)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(client->connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    size_t got = 0;
    while (got < room) {
        ssize_t count = gnutls_record_recv(info->tls_session, into + got, room - got);
        if (count <= 0 && !got)
            return count < 0 && !gnutls_error_is_fatal((int)count) ? CLIENT_WAIT : CLIENT_LOST;
        if (count <= 0)
            break;
        got += (size_t)count;
    }
    return (ssize_t)got;
}

ssize_t takeover_read(struct client *client, void *into, size_t room)
{
    if (room > left(client))
        room = (size_t)left(client);
    ssize_t count = client->connection->tls ? receive_tls(client, into, room)
                                            : receive_plain(client, into, room);
    if (count > 0) {
        client_count(client, (size_t)count);
        if (left(client) < LOW_WATER)
            set_low_water(client);
    } else if (count == CLIENT_WAIT) {
        client_want(client);
        watch_as_wanted(client);
    }
    return count;
}

/* Fewer bytes than the low water mark do not wake us; they must not lie there for long either. */
void takeover_tick(struct client *client)
{
    if (!client->wanting) {
        watch_as_wanted(client);
        return;
    }
    int waiting = 0;
    ioctl(client->connection->fd, FIONREAD, &waiting);
    if (waiting > 0) {
        client_tell_readable(client);
        if (client->state == CLIENT_TAKEN_OVER)
            watch_as_wanted(client);
        return;
    }
    if (!client->complete && client_stalled(client))
        client_tell_lost(client, CLIENT_STALLED);
}

void takeover_end(struct client *client)
{
    int bytes = 1;
    setsockopt(client->connection->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    watch_set(loop_of(client), &client->watch, 0);
}
