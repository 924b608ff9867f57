/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are kept for the next request.
 *
 * Glance, or a balancer before it, may close such a connection or send something that nobody has
 * asked for, such as a late 408. libcurl would take those bytes for the answer to the next request,
 * and each later request would get the answer of the one before it. So the socket stays watched
 * while the connection rests, and whatever happens on it ends the connection at once. What comes
 * too late for the watch is found just before libcurl sends the request. What comes later still,
 * while the request is on its way, shows by the request id in it.
 *
 * Only requests that may be repeated are sent on a kept connection (curl_options.c). */
#include "upstream/upstream_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool idle_prepare(struct glance *glance)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return false;
    close(ends[1]);
    glance->dead_end = ends[0];
    return true;
}

void idle_end(struct glance *glance)
{
    close(glance->dead_end);
}

/* --- who uses which socket -------------------------------------------------------------- */

static void leave_list(struct socket *socket)
{
    if (!socket->idle)
        return;
    socket->idle = false;
    if (socket->next)
        socket->next->previous = socket->previous;
    if (socket->previous)
        socket->previous->next = socket->next;
    else
        socket->glance->idle = socket->next;
    socket->next = socket->previous = NULL;
}

void socket_leave(struct socket *socket)
{
    leave_list(socket);
    if (socket->user)
        socket->user->link = NULL;
    socket->user = NULL;
}

void socket_use(struct socket *socket, struct transfer *transfer)
{
    if (!transfer || socket->user == transfer)
        return;
    socket_leave(socket);
    if (transfer->link)
        transfer->link->user = NULL;
    socket->user = transfer;
    transfer->link = socket;
}

/* --- rest ------------------------------------------------------------------------------- */

/* libcurl tells the port of the connection that it is about to use, and not the descriptor. */
static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage storage;
    } address = {.storage = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    if (address.any.sa_family == AF_INET)
        return ntohs(address.in.sin_port);
    return address.any.sa_family == AF_INET6 ? ntohs(address.in6.sin6_port) : 0;
}

static void rest(struct socket *socket)
{
    struct glance *glance = socket->glance;
    if (!socket->port)
        socket->port = port_of(socket->watch.fd);
    socket->idle = true;
    socket->previous = NULL;
    socket->next = glance->idle;
    if (socket->next)
        socket->next->previous = socket;
    glance->idle = socket;
    if (!watch_set(glance->loop, &socket->watch, LOOP_READ))
        socket_drop(socket);
}

/* libcurl tells of each end of a connection that was answered, so what it has not told of is kept.
 * One that it still waits for is not. */
void socket_release(struct transfer *transfer)
{
    struct socket *socket = transfer->link;
    if (!socket)
        return;
    socket_leave(socket);
    socket->echoes = transfer->echoes;
    if (!socket->for_libcurl)
        rest(socket);
}

/* libcurl has no call that closes one kept connection. Its descriptor becomes one whose peer has
 * closed: the connection is gone, and libcurl sees an end when it looks. */
void socket_drop(struct socket *socket)
{
    int fd = socket->watch.fd;
    int dead_end = socket->glance->dead_end;
    socket_forget(socket);
    if (dup3(dead_end, fd, O_CLOEXEC) < 0)
        shutdown(fd, SHUT_RDWR);
}

/* --- just before a request -------------------------------------------------------------- */

static bool is_quiet(const struct socket *socket)
{
    char byte;
    ssize_t got = recv(socket->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/* NULL: something has come on it, or it is not known. Two connections to different servers may have
 * the same port on our side: then neither is trusted. */
static struct socket *find_quiet(const struct glance *glance, unsigned port)
{
    struct socket *found = NULL;
    for (struct socket *socket = glance->idle; socket; socket = socket->next) {
        if (socket->port != port)
            continue;
        if (found)
            return NULL;
        found = socket;
    }
    return found && is_quiet(found) ? found : NULL;
}

/* TLS may have deciphered more than the answer that libcurl has read. Of another TLS library than
 * OpenSSL nothing is known, so its connections are used once. */
static bool has_deciphered_more(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls);
    if (!tls || !tls->internals)
        return false;
    return tls->backend != CURLSSLBACKEND_OPENSSL || SSL_has_pending(tls->internals);
}

/* The signature is libcurl's. NOLINTNEXTLINE(readability-non-const-parameter) */
int idle_before_request(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    struct transfer *transfer = context;
    long made = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &made);
    transfer->reused = made == 0;
    transfer->stale = false;
    transfer->echoes = false;
    if (!transfer->reused)
        return CURL_PREREQFUNC_OK;
    struct socket *socket = find_quiet(transfer->glance, (unsigned)local_port);
    transfer->stale = !socket || has_deciphered_more(transfer->easy);
    if (transfer->stale)
        return CURL_PREREQFUNC_ABORT;
    transfer->echoes = socket->echoes;
    /* An answer that is there at once comes without a word about the socket. */
    socket_use(socket, transfer);
    return CURL_PREREQFUNC_OK;
}

/* --- the answer ------------------------------------------------------------------------- */

/* Some answers have no id, such as the list of versions: they tell nothing. A 408 says that no
 * request has come, so on a kept connection it was sent before this one. */
bool idle_is_out_of_step(struct transfer *transfer)
{
    const char *id = headers_get(&transfer->answer, "X-Openstack-Request-Id");
    bool own = id && transfer->id[0] && strcmp(id, transfer->id) == 0;
    bool anothers = id && !own && transfer->echoes;
    transfer->stale = transfer->reused && (anothers || transfer->status == 408);
    transfer->echoes |= own;
    return transfer->stale;
}
