/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's libmicrohttpd daemons, one per address, run from the worker's loop: the loop
 * watches each daemon's own epoll descriptor and lets it run when that is readable, or when it
 * has connections it could go on with. */
#include "listener/listener_priv.h"

#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond max_connections a client is told so; this far beyond, it is not even listened to. */
static enum MHD_Result let_in(void *context, const struct sockaddr *address, socklen_t length)
{
    (void)address;
    (void)length;
    const struct listener_parts *parts = context;
    unsigned max = parts->snapshot(parts->context)->settings->listen.max_connections;
    return atomic_load(parts->connections) < max + max / 8 + 64 ? MHD_YES : MHD_NO;
}

/* The decoded url is not used, so nothing need be decoded. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* Nor are the arguments of a query. libmicrohttpd would note each of them in the connection's pool,
 * and where that is full it forgets that it has refused, and waits for ever. So it is shown none:
 * what it parses next is this very text. */
static void hide_arguments(char *target)
{
    char *query = strchr(target, '?');
    if (query)
        query[1] = '\0';
}

static void *request_line(void *context, const char *target, struct MHD_Connection *mhd)
{
    (void)context;
    struct connection *connection = connection_of(mhd);
    struct client *client = connection ? client_new(connection, target) : NULL;
    hide_arguments((char *)target);
    return client;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    (void)context;
    (void)mhd;
    (void)url; /* decoded and cut at a NUL: the raw target came with the request line */
    return *request ? client_handle(*request, method, version, data, size) : MHD_NO;
}

static void completed(void *context, struct MHD_Connection *mhd, void **request,
                      enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)mhd;
    struct client *client = *request;
    *request = NULL;
    if (!client)
        return;
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && client->state == CLIENT_ANSWERING)
        client->answered = true;
    client_closed(client);
}

__attribute__((format(printf, 2, 0))) static void mhd_says(void *context, const char *format,
                                                           va_list arguments)
{
    (void)context;
    if (!log_debug_wanted())
        return;
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    log_say(LOG_LEVEL_DEBUG, "libmicrohttpd: %s", line);
}

static bool run_doors(void *context)
{
    struct listener *listener = context;
    bool more = false;
    for (size_t i = 0; i < listener->door_count; i++) {
        struct door *door = &listener->doors[i];
        MHD_UNSIGNED_LONG_LONG wait;
        bool pending = MHD_get_timeout(door->daemon, &wait) == MHD_YES && wait == 0;
        if (!door->due && !pending)
            continue;
        door->due = false;
        MHD_run(door->daemon);
        more |= door->due || (MHD_get_timeout(door->daemon, &wait) == MHD_YES && wait == 0);
    }
    return more;
}

static void door_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct door *door = (struct door *)((char *)watch - offsetof(struct door, watch));
    door->due = true;
}

/* libmicrohttpd's own limit could not be changed by a reload. */
static struct MHD_Daemon *start_daemon(struct door *door, int socket, bool tls)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem more[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)tls_present},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!tls)
        more[0] = more[1];
    return MHD_start_daemon(
        flags | (tls ? MHD_USE_TLS : 0U), 0, let_in, &door->listener->parts, handle, NULL,
        MHD_OPTION_EXTERNAL_LOGGER, mhd_says, NULL, MHD_OPTION_LISTEN_SOCKET, socket,
        MHD_OPTION_CONNECTION_LIMIT, UINT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_POOL, MHD_OPTION_URI_LOG_CALLBACK, request_line, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        connection_notice, door, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static bool open_door(struct listener *listener, struct door *door, int socket, bool tls)
{
    door->listener = listener;
    door->daemon = start_daemon(door, socket, tls);
    if (!door->daemon) {
        close(socket);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    door->watch.fd = info->epoll_fd;
    door->watch.ready = door_ready;
    door->due = true;
    return watch_set(listener->parts.loop, &door->watch, LOOP_READ);
}

struct listener *listener_new(const struct listener_parts *parts, const int *sockets, size_t count,
                              bool tls)
{
    struct listener *listener = calloc(1, sizeof *listener);
    struct door *doors = calloc(count, sizeof *doors);
    bool good = listener && doors;
    if (good) {
        listener->parts = *parts;
        listener->tls = tls;
        listener->pipe = NO_PIPE;
        listener->doors = doors;
    } else {
        free(doors);
    }
    size_t i = 0;
    for (; good && i < count; i++) {
        good = open_door(listener, &doors[i], sockets[i], tls);
        listener->door_count += doors[i].daemon != NULL;
    }
    for (; i < count; i++)
        close(sockets[i]);
    if (!good) {
        listener_free(listener);
        return NULL;
    }
    loop_every_turn(parts->loop, run_doors, listener);
    return listener;
}

static void close_doors(struct listener *listener)
{
    for (size_t i = 0; i < listener->door_count; i++) {
        MHD_socket socket = MHD_quiesce_daemon(listener->doors[i].daemon);
        if (socket != MHD_INVALID_SOCKET)
            close(socket);
    }
}

void listener_drain(struct listener *listener)
{
    if (listener->draining)
        return;
    listener->draining = true;
    close_doors(listener);
    for (struct connection *each = listener->connections; each; each = each->next)
        if (!each->client)
            connection_cut(each);
}

bool listener_draining(const struct listener *listener)
{
    return listener->draining;
}

size_t listener_connections(const struct listener *listener)
{
    return listener->connection_count;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    /* libmicrohttpd does not stop over suspended connections. */
    for (struct connection *each = listener->connections; each; each = each->next)
        if (each->client)
            client_drop(each->client);
    if (!listener->draining)
        close_doors(listener);
    for (size_t i = 0; i < listener->door_count; i++) {
        watch_set(listener->parts.loop, &listener->doors[i].watch, 0);
        MHD_stop_daemon(listener->doors[i].daemon);
    }
    pipe_close(&listener->pipe);
    free(listener->doors);
    free(listener);
}
