/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd reads passes a guard on its way.
 *
 * libmicrohttpd reads plain connections by recv() and TLS ones by gnutls_record_recv(). The dynamic
 * linker looks for both in the program before it looks in libraries, and finds them here. So every
 * byte is judged in the buffer that it was read into: no further copy, no further system call.
 *
 * All other callers of the two get what they would get without this file. A call is libmicrohttpd's
 * if it comes while libmicrohttpd runs, is for the socket of a connection, and (with recv) has no
 * flags; this program's own reads have some. GnuTLS reads the records of TLS by recv(), too: before
 * the first one, plain_http.c looks whether it is one. */
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

/* A program that is linked statically, or whose symbols are hidden, would not have them found. */
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

/* recv() by another name. */
static ssize_t receive_plain(int fd, void *into, size_t room, int flags)
{
    return recvfrom(fd, into, room, flags, NULL, NULL);
}

/* gnutls_record_recv() by another name. */
ssize_t hook_record_recv(gnutls_session_t session, void *into, size_t room)
{
    unsigned char sequence[8];
    return gnutls_record_recv_seq(session, into, room, sequence);
}

static ssize_t receive(struct connection *connection, gnutls_session_t session, void *into,
                       size_t room)
{
    return session ? hook_record_recv(session, into, room)
                   : receive_plain(connection->fd, into, room, 0);
}

static ssize_t nothing_now(gnutls_session_t session)
{
    errno = EAGAIN;
    return session ? GNUTLS_E_AGAIN : -1;
}

/* libmicrohttpd takes a count below `room` for all there is, so what was left out is made up for.
 */
static ssize_t judged(struct connection *connection, gnutls_session_t session, char *into,
                      size_t room)
{
    if (connection->deaf)
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
    return got || !room ? (ssize_t)got : nothing_now(session);
}

/* GnuTLS reads, where libmicrohttpd lets it. */
static ssize_t receive_record(struct connection *connection, void *into, size_t room)
{
    if (!connection->opened)
        plain_http_look(connection);
    if (connection->plain_http)
        return connection->deaf ? 0 : nothing_now(NULL);
    return receive_plain(connection->fd, into, room, 0);
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    struct connection *connection = flags ? NULL : connection_at(fd);
    if (connection && connection->tls)
        return receive_record(connection, buf, n);
    if (!connection)
        return receive_plain(fd, buf, n, flags);
    return judged(connection, NULL, buf, n);
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
        return hook_record_recv(session, data, data_size);
    return judged(connection, session, data, data_size);
}
