/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a large request body over TLS, many records per system call. By itself GnuTLS reads the
 * five bytes of a record's header, and then the rest of the record. Here GnuTLS gets them from the
 * listener's scratch, which one large read has filled.
 *
 * All connections share the scratch, so no byte may stay in it. The amount read ahead is limited so
 * that the caller's buffer can take all of it, together with what GnuTLS may already hold. If the
 * scratch ends with half a record, GnuTLS keeps that half. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>

/* A record has at most 2^14 bytes, plus its header and what encryption adds (RFC 8446 5.2). */
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

/* Returns what recv() returns. */
static ssize_t read_ahead(struct listener *listener, int fd)
{
    size_t most = MIN(listener->ahead.room, sizeof listener->scratch);
    ssize_t got = recv(fd, listener->scratch, most, MSG_DONTWAIT);
    listener->ahead.taken = 0;
    listener->ahead.count = got > 0 ? (size_t)got : 0;
    listener->ahead.room -= listener->ahead.count;
    return got;
}

/* GnuTLS's pull function. */
static ssize_t pull_from_scratch(gnutls_transport_ptr_t context, void *into, size_t room)
{
    struct client *client = context;
    struct listener *listener = client->connection->listener;
    if (!has_ahead(listener)) {
        bool reads_ahead = listener->ahead.room >= READ_AHEAD_MIN;
        ssize_t got = reads_ahead ? read_ahead(listener, client->connection->fd)
                                  : recv(client->connection->fd, into, room, MSG_DONTWAIT);
        if (!reads_ahead || got <= 0)
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
    gnutls_transport_set_pull_function(session_of(client), pull_from_scratch);
}

/* Returns a count, STREAM_WAIT or STREAM_LOST. GnuTLS reports half a record, a warning or a new key
 * as a non-fatal error: the loop then continues if the scratch has more bytes, and waits
 * otherwise. */
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
