/* SPDX-License-Identifier: Apache-2.0 */
/* The socket of a client that speaks TLS, in a session that libmicrohttpd has opened with GnuTLS.
 *
 * GnuTLS by itself reads the five bytes of a record's header, and then the rest of the record. With
 * a read-ahead buffer it gets them from there, and one large read of the socket fills the buffer
 * with many records.
 *
 * Connections share the buffer, so no byte may stay in it between two calls. The amount read ahead
 * is limited so that the caller's buffer can take all of it, together with what GnuTLS may already
 * hold. If the buffer ends with half a record, GnuTLS keeps that half.
 *
 * GnuTLS may hold the rest of a record, which no watch reports. So a caller must read until
 * STREAM_WAIT before it waits. */
#ifndef NET_TLS_SOCKET_H
#define NET_TLS_SOCKET_H

#include "net/socket.h"

#include <gnutls/gnutls.h>

struct net_read_ahead {
    char *bytes; /* borrowed */
    size_t size;
    size_t count, taken; /* bytes in it, and how many of them GnuTLS has; 0 between two calls */
    size_t room;         /* how many more may be read into it; 0 between two calls */
};

struct net_socket net_socket_tls(int fd, gnutls_session_t session);

/* Reads through the buffer from now on, until the session ends. `socket` must stay where it is as
 * long as the session reads. Does nothing with a plain socket. */
void net_read_ahead(struct net_socket *socket, struct net_read_ahead *ahead);

/* The same as gnutls_record_recv(), which listener/hook.c replaces for libmicrohttpd. */
ssize_t net_record_recv(gnutls_session_t session, void *into, size_t room);

#endif
