/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the worker's libmicrohttpd daemon in the worker's loop. The loop watches the daemon's own
 * epoll descriptor. The daemon runs when that is readable, or when it has connections that can
 * continue. */
#include "listener/listener_priv.h"

#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_MAX = 2 };

/* The decoded URL is not used, so nothing is decoded. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* Hides the arguments of a query, which are not used either. libmicrohttpd would store each of them
 * in the connection's pool. When the pool is full, it forgets that it has refused the request, and
 * waits for ever. libmicrohttpd parses this very text next, so a NUL here is enough. */
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
    (void)url; /* decoded, and cut at a NUL: request_line() has already taken the raw target */
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

__attribute__((format(printf, 2, 0))) static void mhd_log(void *context, const char *format,
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

static bool has_more(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait;
    return listener->due || (MHD_get_timeout(listener->daemon, &wait) == MHD_YES && wait == 0);
}

/* libmicrohttpd often has more after one run: a connection whose answer is sent looks for the next
 * request. A second run at once spares the loop a look at its descriptors. */
static bool run_daemon(void *context)
{
    struct listener *listener = context;
    for (int runs = 0; runs < RUNS_MAX && has_more(listener); runs++) {
        listener->due = false;
        hook_begin(listener);
        MHD_run(listener->daemon);
        hook_end();
    }
    return has_more(listener);
}

static void daemon_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
    listener->due = true;
}

/* libmicrohttpd's own connection limit is off, since a reload could not change it. */
static struct MHD_Daemon *start_daemon(struct listener *listener, const char *priorities)
{
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET;
    struct MHD_OptionItem more[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)tls_present},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(intptr_t)priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!listener->tls)
        more[0] = more[2];
    return MHD_start_daemon(
        flags | (listener->tls ? MHD_USE_TLS : 0U), 0, NULL, NULL, handle, NULL,
        MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_CONNECTION_LIMIT, UINT_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_POOL, MHD_OPTION_URI_LOG_CALLBACK,
        request_line, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notice, listener, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
}

static bool open_daemon(struct listener *listener)
{
    const struct listener_parts *parts = &listener->parts;
    char *priorities = settings_tls_priorities(parts->snapshot(parts->context)->settings);
    listener->daemon = priorities ? start_daemon(listener, priorities) : NULL;
    free(priorities); /* libmicrohttpd has parsed it */
    if (!listener->daemon)
        return false;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    listener->watch.fd = info->epoll_fd;
    listener->watch.ready = daemon_ready;
    listener->due = true;
    return watch_set(listener->parts.loop, &listener->watch, LOOP_READ);
}

const char *listener_fault(void)
{
    return hook_in_place() ? NULL
                           : "the heads of requests could not be judged, since libmicrohttpd does "
                             "not find this program's recv(): it must be linked dynamically";
}

static void close_sockets(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

struct listener *listener_new(const struct listener_parts *parts, const int *sockets, size_t count,
                              bool tls)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        close_sockets(sockets, count);
        return NULL;
    }
    listener->parts = *parts;
    listener->tls = tls;
    listener->pipe = NO_PIPE;
    listener->ahead =
        (struct net_read_ahead){.bytes = listener->scratch, .size = sizeof listener->scratch};
    bool good = acceptors_open(listener, sockets, count) && open_daemon(listener);
    if (!good) {
        listener_free(listener);
        return NULL;
    }
    loop_add_prepare_hook(parts->loop, run_daemon, listener);
    return listener;
}

void listener_stop_accepting(struct listener *listener)
{
    if (listener->draining)
        return;
    listener->draining = true;
    acceptors_close(listener);
}

void listener_drain(struct listener *listener)
{
    listener_stop_accepting(listener);
    proxy_protocol_end(listener);
    LIST_EACH(each, &listener->connections, struct connection, place)
        if (!each->client)
            connection_cut(each);
}

bool listener_is_empty(const struct listener *listener)
{
    return listener->connection_count == 0 && list_is_empty(&listener->proxied);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    /* libmicrohttpd cannot stop while connections are suspended. */
    LIST_EACH(each, &listener->connections, struct connection, place)
        if (each->client)
            client_drop(each->client);
    acceptors_close(listener);
    proxy_protocol_end(listener);
    if (listener->daemon) {
        watch_set(listener->parts.loop, &listener->watch, 0);
        MHD_stop_daemon(listener->daemon);
    }
    loop_remove_prepare_hook(listener->parts.loop, listener);
    pipe_close(&listener->pipe);
    free(listener->by_fd);
    free(listener);
}
