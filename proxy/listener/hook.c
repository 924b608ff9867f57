/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces recv() and gnutls_record_recv() so that each byte that libmicrohttpd reads goes through
 * a guard first.
 *
 * libmicrohttpd reads plain connections with recv() and TLS connections with gnutls_record_recv().
 * The dynamic linker looks up both in the program before it looks in libraries, and finds the
 * functions of this file. So the guard checks each byte in libmicrohttpd's own buffer: no further
 * copy, no further system call.
 *
 * All other callers of the two functions get the usual behaviour. A call is taken for
 * libmicrohttpd's if it comes while libmicrohttpd runs, is for the socket of a connection, and
 * (with recv) has no flags. This program's own reads always have flags. GnuTLS reads TLS records
 * with recv(), too: plain_http.c looks at the first byte before the first of these reads. */
#include "listener/listener_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static _Thread_local struct listener *running;

void hook_begin(struct listener *listener)
{
    running = listener;
}

void hook_end(void)
{
    running = NULL;
}

/* The replacement fails in a program that is linked statically or hides its symbols. */
bool hook_in_place(void)
{
    return dlsym(RTLD_DEFAULT, "recv") == (void *)recv &&
           dlsym(RTLD_DEFAULT, "gnutls_record_recv") == (void *)gnutls_record_recv;
}

/* --- which connection a socket belongs to ---------------------------------------------- */

bool hook_add(struct listener *listener, int fd, struct connection *connection)
{
    size_t need = (size_t)fd + 1;
    if (need > listener->by_fd_count) {
        size_t count = need + need / 2;
        struct connection **table =
            reallocarray(listener->by_fd, count, sizeof(struct connection *));
        if (!table)
            return false;
        for (size_t i = listener->by_fd_count; i < count; i++)
            table[i] = NULL;
        listener->by_fd = table;
        listener->by_fd_count = count;
    }
    listener->by_fd[fd] = connection;
    return true;
}

void hook_remove(struct listener *listener, int fd)
{
    if ((size_t)fd < listener->by_fd_count)
        listener->by_fd[fd] = NULL;
}

static struct connection *connection_at(int fd)
{
    bool known = running && fd >= 0 && (size_t)fd < running->by_fd_count;
    return known ? running->by_fd[fd] : NULL;
}

/* --- reading --------------------------------------------------------------------------- */

/* The same as recv(), which this file replaces. */
static ssize_t receive_plain(int fd, void *into, size_t room, int flags)
{
    return recvfrom(fd, into, room, flags, NULL, NULL);
}

static ssize_t receive(struct connection *connection, gnutls_session_t session, void *into,
                       size_t room)
{
    return session ? net_record_recv(session, into, room)
                   : receive_plain(connection->socket.fd, into, room, 0);
}

static ssize_t would_block(gnutls_session_t session)
{
    errno = EAGAIN;
    return session ? GNUTLS_E_AGAIN : -1;
}

/* If a read returns less than `room`, libmicrohttpd assumes that the socket is empty. So this
 * function reads on to replace bytes that the guard has dropped. */
static ssize_t read_guarded(struct connection *connection, gnutls_session_t session, char *into,
                            size_t room)
{
    if (connection->reads_eof)
        return 0;
    size_t got = 0;
    while (got < room && !connection->guard.fault) {
        ssize_t count = receive(connection, session, into + got, room - got);
        if (count <= 0 && !got)
            return count;
        if (count <= 0)
            break;
        size_t kept = guard_judge(&connection->guard, into + got, (size_t)count);
        got += kept;
        if (kept == (size_t)count)
            break;
    }
    connection_has_read(connection);
    return got || !room ? (ssize_t)got : would_block(session);
}

/* GnuTLS reads the socket, while libmicrohttpd runs. */
static ssize_t receive_for_gnutls(struct connection *connection, void *into, size_t room)
{
    if (!connection->first_byte_seen)
        plain_http_detect(connection);
    if (connection->plain_http)
        return connection->reads_eof ? 0 : would_block(NULL);
    return receive_plain(connection->socket.fd, into, room, 0);
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    struct connection *connection = flags ? NULL : connection_at(fd);
    if (connection && connection->tls)
        return receive_for_gnutls(connection, buf, n);
    if (!connection)
        return receive_plain(fd, buf, n, flags);
    return read_guarded(connection, NULL, buf, n);
}

ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t data_size)
{
    int in, out;
    struct connection *connection = NULL;
    if (running) {
        gnutls_transport_get_int2(session, &in, &out);
        connection = connection_at(out);
    }
    if (!connection || !connection->tls)
        return net_record_recv(session, data, data_size);
    return read_guarded(connection, session, data, data_size);
}
