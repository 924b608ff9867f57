/* SPDX-License-Identifier: Apache-2.0 */
/* A body that comes by TLS, many records per system call. By itself GnuTLS asks the socket for the
 * five bytes of a record's head, and then for its rest; here it is given them out of the
 * listener's scratch, which one read has filled.
 *
 * The scratch is everybody's, so nothing may stay in it. It is never filled with more than there
 * is room for behind what GnuTLS may hold already; half a record at its end GnuTLS keeps. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>

/* A record has at most 2^14 bytes, and what encryption and its head add (RFC 8446 5.2). */
enum { RECORD_MAX = 5 + 16 * 1024 + 256, READ_AHEAD_MIN = 16 * 1024 };

static gnutls_session_t session_of(const struct client *client)
{
    return MHD_get_connection_info(client->connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
        ->tls_session;
}

static bool has_ahead(const struct listener *listener)
{
    return listener->ahead.taken < listener->ahead.count;
}

/* As recv(), for as much as there may be. */
static ssize_t read_ahead(struct listener *listener, int fd)
{
    size_t most = MIN(listener->ahead.room, sizeof listener->scratch);
    ssize_t got = recv(fd, listener->scratch, most, MSG_DONTWAIT);
    listener->ahead.taken = 0;
    listener->ahead.count = got > 0 ? (size_t)got : 0;
    listener->ahead.room -= listener->ahead.count;
    return got;
}

/* GnuTLS's, instead of recv(). */
static ssize_t give(gnutls_transport_ptr_t context, void *into, size_t room)
{
    struct client *client = context;
    struct listener *listener = client->connection->listener;
    if (!has_ahead(listener)) {
        bool whole = listener->ahead.room >= READ_AHEAD_MIN;
        ssize_t got = whole ? read_ahead(listener, client->connection->fd)
                            : recv(client->connection->fd, into, room, MSG_DONTWAIT);
        if (!whole || got <= 0)
            return got;
    }
    size_t count = MIN(room, listener->ahead.count - listener->ahead.taken);
    memcpy(into, listener->scratch + listener->ahead.taken, count);
    listener->ahead.taken += count;
    return (ssize_t)count;
}

void raw_body_tls_begin(struct client *client)
{
    gnutls_transport_ptr_t in, out;
    gnutls_transport_get_ptr2(session_of(client), &in, &out);
    gnutls_transport_set_ptr2(session_of(client), client, out);
    gnutls_transport_set_pull_function(session_of(client), give);
}

/* What is not data and no end either (half a record, a warning, a new key) is waited over or, where
 * more has been read ahead, passed over. */
static ssize_t receive(struct client *client, char *into, size_t room)
{
    const struct listener *listener = client->connection->listener;
    size_t got = 0;
    for (;;) {
        ssize_t count = hook_record_recv(session_of(client), into + got, room - got);
        bool fatal = count == 0 || (count < 0 && gnutls_error_is_fatal((int)count));
        got += count > 0 ? (size_t)count : 0;
        if (got == room || (got && fatal))
            return (ssize_t)got;
        if (fatal)
            return STREAM_LOST;
        if (count < 0 && !has_ahead(listener))
            return got ? (ssize_t)got : STREAM_WAIT;
    }
}

ssize_t raw_body_tls_receive(struct client *client, char *into, size_t room)
{
    struct listener *listener = client->connection->listener;
    listener->ahead.room = room > RECORD_MAX ? room - RECORD_MAX : 0;
    ssize_t got = receive(client, into, room);
    memset(&listener->ahead, 0, sizeof listener->ahead);
    return got;
}
