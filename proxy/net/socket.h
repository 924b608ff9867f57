/* SPDX-License-Identifier: Apache-2.0 */
/* One connected socket, read, written and spliced past libmicrohttpd and libcurl.
 *
 * A table of operations says how: NET_PLAIN (socket.c) or TLS (tls_socket.c). Callers choose the
 * table once, and do not ask for it again. The connections to Glance that bypass libcurl are always
 * plain: libcurl owns the TLS state of the others.
 *
 * The descriptor is non-blocking, and the process ignores SIGPIPE: splice(2) has no flags for that.
 * So no call blocks. Each returns a count of bytes that is not 0, or an enum stream_code:
 *
 *     STREAM_END        the peer has closed its sending side
 *     STREAM_WAIT       no bytes now, or no space now
 *     STREAM_LOST       the connection is broken
 *     STREAM_NO_MEMORY  the kernel or the TLS library has no memory for this call
 *     STREAM_NO_SPLICE  the table has no splicing: read or write instead */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gnutls_session_int;
struct net_read_ahead;
struct net_socket;

struct net_operations {
    ssize_t (*read)(const struct net_socket *socket, void *into, size_t room);
    ssize_t (*write)(const struct net_socket *socket, const void *bytes, size_t count);
    ssize_t (*write_more)(const struct net_socket *socket, const void *bytes,
                          size_t count); /* NULL: as write */
    /* The most bytes that the TLS library has read already and that can still be returned, if
     * `waiting` bytes are in the descriptor and no more come; NULL: none. */
    size_t (*buffered)(const struct net_socket *socket, size_t waiting);
    /* Between the socket and a pipe; NULL: there is no splicing. */
    ssize_t (*splice_in)(const struct net_socket *socket, int pipe, size_t room);
    ssize_t (*splice_out)(const struct net_socket *socket, int pipe, size_t count);
    /* Tells the peer that no more is sent; NULL: the end of the connection tells it. */
    void (*close_notify)(const struct net_socket *socket);
    /* Each byte that is read is one byte of the socket. With TLS it is not. */
    bool exact;
};

extern const struct net_operations NET_PLAIN;

/* Zero-initialised is not open. The descriptor and the session are borrowed. */
struct net_socket {
    const struct net_operations *operations;
    int fd;
    int low_water;                      /* SO_RCVLOWAT, as net_expect() has set it; 0: not set */
    struct gnutls_session_int *session; /* tls_socket.c; NULL: plain */
    struct net_read_ahead *ahead;       /* tls_socket.c; NULL: it does not read ahead */
};

struct net_socket net_socket_plain(int fd);

ssize_t net_read(const struct net_socket *socket, void *into, size_t room);
ssize_t net_write(const struct net_socket *socket, const void *bytes, size_t count);

/* As net_write(). More bytes follow at once, so a plain socket makes no packet of these alone. */
ssize_t net_write_more(const struct net_socket *socket, const void *bytes, size_t count);

/* Into a pipe, which must be empty: a full pipe and an empty socket look the same. */
ssize_t net_splice_in(const struct net_socket *socket, int pipe, size_t room);

/* From a pipe that has at least `count` bytes. */
ssize_t net_splice_out(const struct net_socket *socket, int pipe, size_t count);
bool net_can_splice(const struct net_socket *socket);

/* Ends the sending side only: a peer that goes on sending gets EPIPE and no reset. */
void net_end_sending(const struct net_socket *socket);

/* Ends both sides. A TCP peer sees a reset, not an orderly end; a peer on a unix socket sees none
 * of both yet. Close the descriptor next. */
void net_reset(const struct net_socket *socket);

/* Says how many bytes the peer still has to send. The loop then reports the socket as readable when
 * many of them have arrived, or all. So a peer that is slower than the proxy costs few large reads
 * instead of many small ones. Fewer bytes do not wake the loop: a caller that waits has to ask
 * net_has_bytes() at each tick. */
void net_expect(struct net_socket *socket, uint64_t remaining);

/* The socket has unread bytes; with TLS these may be less than one record. */
bool net_has_bytes(const struct net_socket *socket);

/* Asked when the peer has closed its sending side. False: fewer than `count` bytes can still be
 * read. */
bool net_may_have(const struct net_socket *socket, uint64_t count);

/* Copies bytes of the socket and leaves them unread. With TLS they are encrypted. */
ssize_t net_peek(const struct net_socket *socket, void *into, size_t room);

/* The meaning of `errno` after a call that has failed: STREAM_WAIT, STREAM_NO_MEMORY or
 * STREAM_LOST. */
enum stream_code net_code_of_errno(void);

#endif
