/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the TLS socket of a client with GnuTLS, many records at once. tls_socket.h
 * explains the buffer for that. */
#include "net/tls_socket.h"

#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>

/* A record has at most 2^14 bytes, plus its header and what encryption adds (RFC 8446 5.2). */
enum { RECORD_MAX = 5 + 16 * 1024 + 256, READ_AHEAD_MIN = 16 * 1024 };

/* --- results --------------------------------------------------------------------------- */

/* GnuTLS leaves `errno` as the failed call on the socket has set it. */
static enum stream_code code_of_fatal(ssize_t error)
{
    bool of_socket = error == GNUTLS_E_PULL_ERROR || error == GNUTLS_E_PUSH_ERROR;
    bool no_memory =
        error == GNUTLS_E_MEMORY_ERROR || (of_socket && net_code_of_errno() == STREAM_NO_MEMORY);
    return no_memory ? STREAM_NO_MEMORY : STREAM_LOST;
}

/* GnuTLS reports half a record, a warning or a new key as an error that is not fatal. */
static ssize_t result_of(ssize_t count)
{
    if (count >= 0)
        return count;
    return gnutls_error_is_fatal((int)count) ? code_of_fatal(count) : STREAM_WAIT;
}

/* --- reading ahead --------------------------------------------------------------------- */

static bool has_ahead(const struct net_read_ahead *ahead)
{
    return ahead && ahead->taken < ahead->count;
}

/* Returns what recv() returns. */
static ssize_t fill_ahead(struct net_read_ahead *ahead, int fd)
{
    ssize_t got = recv(fd, ahead->bytes, MIN(ahead->room, ahead->size), MSG_DONTWAIT);
    ahead->taken = 0;
    ahead->count = got > 0 ? (size_t)got : 0;
    ahead->room -= ahead->count;
    return got;
}

/* GnuTLS's pull function. */
static ssize_t pull_through_ahead(gnutls_transport_ptr_t context, void *into, size_t room)
{
    const struct net_socket *socket = context;
    struct net_read_ahead *ahead = socket->ahead;
    if (!has_ahead(ahead)) {
        bool fills = ahead->room >= READ_AHEAD_MIN;
        ssize_t got =
            fills ? fill_ahead(ahead, socket->fd) : recv(socket->fd, into, room, MSG_DONTWAIT);
        if (!fills || got <= 0)
            return got;
    }
    size_t count = MIN(room, ahead->count - ahead->taken);
    memcpy(into, ahead->bytes + ahead->taken, count);
    ahead->taken += count;
    return (ssize_t)count;
}

void net_read_ahead(struct net_socket *socket, struct net_read_ahead *ahead)
{
    if (!socket->session)
        return;
    gnutls_transport_ptr_t in, out;
    socket->ahead = ahead;
    gnutls_transport_get_ptr2(socket->session, &in, &out);
    gnutls_transport_set_ptr2(socket->session, socket, out);
    gnutls_transport_set_pull_function(socket->session, pull_through_ahead);
}

/* --- the operations -------------------------------------------------------------------- */

ssize_t net_record_recv(gnutls_session_t session, void *into, size_t room)
{
    unsigned char sequence[8];
    return gnutls_record_recv_seq(session, into, room, sequence);
}

/* Reads records until `room` is full or no more have arrived. An end or a loss after some bytes is
 * reported by the next call. */
static ssize_t read_records(const struct net_socket *socket, char *into, size_t room)
{
    size_t got = 0;
    for (;;) {
        ssize_t count = result_of(net_record_recv(socket->session, into + got, room - got));
        got += count > 0 ? (size_t)count : 0;
        bool over = count <= 0 && count != STREAM_WAIT;
        bool waits = count == STREAM_WAIT && !has_ahead(socket->ahead);
        if (got && (got == room || over || waits))
            return (ssize_t)got;
        if (over || waits)
            return count;
    }
}

static ssize_t read_tls(const struct net_socket *socket, void *into, size_t room)
{
    struct net_read_ahead *ahead = socket->ahead;
    if (ahead)
        ahead->room = room > RECORD_MAX ? room - RECORD_MAX : 0;
    ssize_t got = read_records(socket, into, room);
    if (ahead)
        ahead->count = ahead->taken = ahead->room = 0;
    return got;
}

static ssize_t write_tls(const struct net_socket *socket, const void *bytes, size_t count)
{
    return result_of(gnutls_record_send(socket->session, bytes, count));
}

/* GnuTLS has the rest of a decrypted record, or the first part of the next one. Of the latter it
 * does not tell. That counts only if its last part can be waiting. */
static size_t buffered(const struct net_socket *socket, size_t waiting)
{
    return waiting ? RECORD_MAX : gnutls_record_check_pending(socket->session);
}

static void close_notify(const struct net_socket *socket)
{
    gnutls_bye(socket->session, GNUTLS_SHUT_WR);
}

static const struct net_operations NET_TLS = {
    .read = read_tls,
    .write = write_tls,
    .buffered = buffered,
    .close_notify = close_notify,
};

struct net_socket net_socket_tls(int fd, gnutls_session_t session)
{
    return (struct net_socket){.operations = &NET_TLS, .fd = fd, .session = session};
}
