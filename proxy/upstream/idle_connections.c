/* SPDX-License-Identifier: Apache-2.0 */
/* Idle connections, kept for the next request.
 *
 * Glance, or a load balancer before it, may close an idle connection, or send unrequested bytes
 * such as a late 408. libcurl would take these bytes for the answer to the next request, and each
 * later request would get the answer of the one before it. Three checks prevent that:
 *
 *   - The socket stays watched while the connection is idle. Any event on it closes the connection.
 *   - Just before libcurl sends a request, the socket must have nothing to read.
 *   - Bytes that arrive even later, while the request is being sent, are detected by the request id
 *     of the answer.
 *
 * Only requests that can safely be repeated use an idle connection (curl_options.c). */
#include "upstream/upstream_priv.h"

#include <arpa/inet.h>
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
    glance->closed_peer = ends[0];
    return true;
}

void idle_end(struct glance *glance)
{
    close(glance->closed_peer);
}

/* --- who uses which socket -------------------------------------------------------------- */

void socket_leave(struct socket *socket)
{
    list_remove(&socket->place);
    if (socket->user)
        socket->user->connection.last = NULL;
    socket->user = NULL;
}

void socket_use(struct socket *socket, struct transfer *transfer)
{
    if (!transfer || socket->user == transfer)
        return;
    socket_leave(socket);
    if (transfer->connection.last)
        transfer->connection.last->user = NULL;
    socket->user = transfer;
    transfer->connection.last = socket;
}

/* --- idle ------------------------------------------------------------------------------- */

/* CURLOPT_PREREQFUNCTION gets the local port of the connection, and not its descriptor. */
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

static void make_idle(struct socket *socket)
{
    struct glance *glance = socket->glance;
    list_insert(&glance->idle, &socket->place);
    if (!watch_set(glance->loop, &socket->watch, LOOP_READ))
        socket_drop(socket);
}

/* libcurl reports each close of a connection that had an answer. So a connection whose close was
 * not reported is kept, unless libcurl still waits for it. */
void socket_release(struct transfer *transfer)
{
    struct socket *socket = transfer->connection.last;
    if (!socket)
        return;
    socket_leave(socket);
    socket->echoes = transfer->connection.echoes;
    if (!socket->libcurl_events)
        make_idle(socket);
}

/* libcurl has no call that closes one idle connection. So the descriptor is replaced by a socket
 * whose peer has closed: the connection is closed, and libcurl reads an end of file when it
 * looks. */
void socket_drop(struct socket *socket)
{
    int fd = socket->watch.fd;
    int closed_peer = socket->glance->closed_peer;
    socket_forget(socket);
    if (dup3(closed_peer, fd, O_CLOEXEC) < 0)
        shutdown(fd, SHUT_RDWR);
}

/* --- just before a request -------------------------------------------------------------- */

static bool is_quiet(const struct socket *socket)
{
    char byte;
    return net_peek(&socket->stream, &byte, 1) == STREAM_WAIT;
}

static bool has_port(struct socket *socket, unsigned port)
{
    if (!socket->port_known)
        socket->port = port_of(socket->watch.fd);
    socket->port_known = true;
    return socket->port == port;
}

/* NULL: it is not known. Two connections to different servers may have the same local port: then
 * neither is used. */
static struct socket *find(const struct glance *glance, unsigned port)
{
    struct socket *found = NULL;
    LIST_EACH(socket, &glance->all_sockets, struct socket, any_place) {
        if (!has_port(socket, port))
            continue;
        if (found)
            return NULL;
        found = socket;
    }
    return found;
}

/* libcurl may put a request on a connection as soon as the answer before it is complete. That is
 * before this program has read the message of the end (multi.c), and has released the socket. */
static void end_last_use(struct socket *socket)
{
    if (socket->user)
        socket->echoes = socket->user->connection.echoes;
}

/* TLS may have decrypted more bytes than the answer that libcurl has read. Only OpenSSL can be
 * asked, so connections of other TLS libraries are not reused. */
static bool has_decrypted_more(CURL *easy)
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
    transfer->connection.reused = made == 0;
    transfer->connection.stale = false;
    transfer->connection.echoes = false;
    if (!transfer->connection.reused)
        return CURL_PREREQFUNC_OK;
    struct socket *socket = find(transfer->glance, (unsigned)local_port);
    transfer->connection.stale = !socket || !is_quiet(socket) || has_decrypted_more(transfer->easy);
    if (transfer->connection.stale)
        return CURL_PREREQFUNC_ABORT;
    end_last_use(socket);
    transfer->connection.echoes = socket->echoes;
    /* If the answer arrives at once, libcurl makes no socket callback, so the user is set here. */
    socket_use(socket, transfer);
    return CURL_PREREQFUNC_OK;
}

/* --- the answer ------------------------------------------------------------------------- */

/* Some answers have no request id, such as the list of versions; they prove nothing. A 408 says
 * that no request has arrived: on a reused connection Glance sent it before this request. */
bool idle_is_out_of_step(struct transfer *transfer)
{
    const char *id = headers_get(&transfer->answer, "X-Openstack-Request-Id");
    bool own = id && transfer->id[0] && strcmp(id, transfer->id) == 0;
    bool of_another = id && !own && transfer->connection.echoes;
    transfer->connection.stale =
        transfer->connection.reused && (of_another || transfer->status == 408);
    transfer->connection.echoes |= own;
    return transfer->connection.stale;
}
