/* SPDX-License-Identifier: Apache-2.0 */
/* Watches libcurl's sockets in the worker's loop.
 *
 * libcurl removes a connection's socket when an answer is complete, or when a transfer is paused.
 * It adds the socket again for the next request, or when the transfer continues. In between this
 * file keeps the socket watched. */
#include "upstream/upstream_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void socket_ready(struct watch *watch, unsigned events)
{
    struct socket *socket = TAGGED_CONTAINER_OF(watch, struct socket, watch, OBJECT_SOCKET);
    if (events & (LOOP_WRITE | LOOP_ERROR) && socket->write_wanted)
        raw_request_write(socket->writer);
    if (list_is_linked(&socket->place)) {
        socket_drop(socket);
        return;
    }
    if (!socket->libcurl_events && !socket->write_wanted) {
        watch_set(socket->glance->loop, watch, 0); /* libcurl has paused the transfer */
        return;
    }
    events &= socket->libcurl_events | LOOP_ERROR;
    if (!events)
        return;
    int flags = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
                (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
                (events & LOOP_ERROR ? CURL_CSELECT_IN | CURL_CSELECT_ERR : 0);
    glance_drive(socket->glance, watch->fd, flags);
}

static unsigned to_events(int what)
{
    switch (what) {
    case CURL_POLL_IN:
        return LOOP_READ;
    case CURL_POLL_OUT:
        return LOOP_WRITE;
    case CURL_POLL_INOUT:
        return LOOP_READ | LOOP_WRITE;
    default:
        return 0;
    }
}

bool socket_watch(struct socket *socket)
{
    return watch_set(socket->glance->loop, &socket->watch,
                     socket->libcurl_events | (socket->write_wanted ? LOOP_WRITE : 0U));
}

void socket_drop_writer(struct socket *socket)
{
    if (socket->writer)
        socket->writer->raw_request.socket = NULL;
    socket->writer = NULL;
    socket->write_wanted = false;
}

/* The table of sockets grows to at most the process's limit of descriptors. */
static struct socket **place_of(struct glance *glance, curl_socket_t fd)
{
    size_t place = (size_t)fd;
    if (place >= glance->socket_places) {
        size_t places = place + 64;
        struct socket **sockets = reallocarray(glance->sockets, places, sizeof *sockets);
        if (!sockets)
            return NULL;
        memset(sockets + glance->socket_places, 0,
               (places - glance->socket_places) * sizeof *sockets);
        glance->sockets = sockets;
        glance->socket_places = places;
    }
    return &glance->sockets[place];
}

/* NULL: no memory. */
static struct socket *socket_of(struct glance *glance, curl_socket_t fd)
{
    struct socket **place = place_of(glance, fd);
    if (!place || *place)
        return place ? *place : NULL;
    struct socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->tag = OBJECT_SOCKET;
    socket->glance = glance;
    socket->watch.fd = fd;
    socket->stream = net_socket_plain(fd);
    socket->watch.ready = socket_ready;
    list_insert(&glance->all_sockets, &socket->any_place);
    return *place = socket;
}

/* Another socket may soon get the same descriptor, so nothing may write to this one any more. */
void socket_forget(struct socket *socket)
{
    socket_drop_writer(socket);
    socket_leave(socket);
    list_remove(&socket->any_place);
    watch_set(socket->glance->loop, &socket->watch, 0);
    socket->glance->sockets[socket->watch.fd] = NULL;
    socket->tag = OBJECT_GONE;
    free(socket);
}

void sockets_let_go(struct glance *glance, curl_socket_t fd)
{
    if ((size_t)fd < glance->socket_places && glance->sockets[fd])
        socket_forget(glance->sockets[fd]);
}

int sockets_close(void *context, curl_socket_t fd)
{
    sockets_let_go(context, fd);
    return close(fd);
}

/* A connection that has brought an answer is likely to become idle, and stays watched
 * (idle_connections.c): libcurl reports when it closes such a connection. It does not report the
 * close of others, such as those that lost a race between two addresses. */
static void socket_removed(struct socket *socket, struct transfer *transfer)
{
    bool answered = transfer && transfer->head_told && transfer->connection.fd == socket->watch.fd;
    socket_drop_writer(socket);
    if (transfer)
        transfer_lost_socket(transfer, socket->watch.fd);
    socket->libcurl_events = 0;
    if (!answered)
        socket_forget(socket);
}

int sockets_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    (void)assigned;
    struct glance *glance = context;
    struct socket *socket = socket_of(glance, fd);
    struct transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            socket_removed(socket, transfer);
        return 0;
    }
    if (transfer)
        transfer_has_socket(transfer, fd);
    if (socket) {
        socket->libcurl_events = to_events(what);
        socket_use(socket, transfer);
    }
    bool watched = socket && socket_watch(socket);
    if (!watched && transfer)
        transfer_lacks_memory(transfer);
    else if (transfer && transfer->raw_request.used)
        raw_request_socket(transfer, socket, what);
    return 0;
}
