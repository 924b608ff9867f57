/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection and its timeouts: header_timeout from the first byte of a request head to its
 * last, and keepalive_timeout between requests. A new connection has header_timeout for its TLS
 * handshake and its first byte. While a request is in progress, client_tick() handles the ticks.
 * libmicrohttpd's own timeouts are off: each byte would restart them. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <sys/socket.h>

struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static const struct settings *settings_of(const struct connection *connection)
{
    return connection->snapshot->settings;
}

void connection_tick_in(struct connection *connection, uint64_t ms)
{
    if (!timer_set(connection->listener->parts.loop, &connection->timer, ms))
        connection_cut(connection); /* a connection without a timer could wait for ever */
}

static void await_head(struct connection *connection, uint64_t timeout)
{
    connection->deadline = clock_ms() + timeout;
    connection_tick_in(connection, timeout);
}

/* A client that sent a part of a head gets a 408. A silent one is cut without an answer. */
static void head_timed_out(struct connection *connection)
{
    if (!guard_in_head(&connection->guard) || connection->guard.fault) {
        connection_cut(connection);
        return;
    }
    guard_stop(&connection->guard, REFUSAL_CLIENT_STALLED,
               "its head was not complete within header_timeout");
    faults_check(connection);
}

static void tick(struct timer *timer)
{
    struct connection *connection =
        TAGGED_CONTAINER_OF(timer, struct connection, timer, OBJECT_CONNECTION);
    if (connection->client && connection->client->state != CLIENT_HEAD)
        connection_tick_in(connection, client_tick(connection->client));
    else if (clock_ms() >= connection->deadline)
        head_timed_out(connection);
    else
        connection_tick_in(connection, connection->deadline - clock_ms());
}

/* Each request uses the settings that are current when it begins. */
static void update_snapshot(struct connection *connection)
{
    const struct listener_parts *parts = &connection->listener->parts;
    struct snapshot *old = connection->snapshot;
    connection->snapshot = snapshot_hold(parts->snapshot(parts->context));
    snapshot_release(old);
}

void connection_request_began(struct connection *connection)
{
    update_snapshot(connection);
    faults_check_soon(connection);
}

/* Most heads arrive in one read and need no timer. This one has not. */
static void time_head(struct connection *connection)
{
    connection->timed_head = connection->guard.heads;
    update_snapshot(connection);
    await_head(connection, settings_of(connection)->listen.header_timeout);
}

void connection_has_read(struct connection *connection)
{
    const struct client *client = connection->client;
    bool between = !client || client->state == CLIENT_HEAD;
    faults_check_soon(connection);
    if (between && guard_in_head(&connection->guard) &&
        connection->timed_head != connection->guard.heads)
        time_head(connection);
}

bool connection_is_last(const struct connection *connection)
{
    return connection->listener->draining || connection->over_limit;
}

void connection_request_ended(struct connection *connection)
{
    connection->client = NULL;
    if (connection_is_last(connection))
        connection_cut(connection);
    else if (guard_in_head(&connection->guard))
        time_head(connection);
    else
        await_head(connection, settings_of(connection)->listen.keepalive_timeout);
    faults_check_soon(connection);
}

static bool is_in_body_that_ends_by_close(const struct client *client)
{
    return client && !client->answered &&
           (client->state == CLIENT_ANSWERING || client->state == CLIENT_RAW_RESPONSE) &&
           response_ends_by_close(client);
}

void connection_cut(struct connection *connection)
{
    connection->reads_eof = true;
    if (is_in_body_that_ends_by_close(connection->client))
        net_reset(&connection->socket);
    shutdown(connection->socket.fd, SHUT_RDWR);
}

/* A client that speaks plain HTTP on a TLS port gets a plain socket later (plain_http.c). */
static struct net_socket open_socket(struct connection *connection, int fd)
{
    if (!connection->tls)
        return net_socket_plain(fd);
    gnutls_session_t session =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    tls_ask_for_certificate(connection, session);
    return net_socket_tls(fd, session);
}

static struct connection *connection_new(struct listener *listener, struct MHD_Connection *mhd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (!connection || !hook_add(listener, fd, connection)) {
        free(connection);
        return NULL;
    }
    connection->tag = OBJECT_CONNECTION;
    connection->listener = listener;
    connection->mhd = mhd;
    update_snapshot(connection);
    connection->tls = listener->tls;
    connection->socket = open_socket(connection, fd);
    connection->timer.fire = tick;
    address_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                 connection->peer);
    list_insert(&listener->connections, &connection->place);
    listener->connection_count++;
    unsigned open = atomic_fetch_add(listener->parts.connections, 1) + 1;
    connection->over_limit = open > settings_of(connection)->listen.max_connections;
    metrics_gauge_add(listener->parts.metrics, METRICS_CONNECTIONS, 1);
    await_head(connection, settings_of(connection)->listen.header_timeout);
    return connection;
}

static void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    struct listener *listener = connection->listener;
    if (connection->client) /* a request that faults.c made, unknown to libmicrohttpd */
        client_closed(connection->client);
    hook_remove(listener, connection->socket.fd);
    task_cancel(listener->parts.loop, &connection->fault_check);
    timer_cancel(listener->parts.loop, &connection->timer);
    list_remove(&connection->place);
    listener->connection_count--;
    atomic_fetch_sub(listener->parts.connections, 1);
    metrics_gauge_add(listener->parts.metrics, METRICS_CONNECTIONS, -1);
    snapshot_release(connection->snapshot);
    connection->tag = OBJECT_GONE;
    free(connection);
}

void connection_notice(void *context, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_free(*socket_context);
        return;
    }
    *socket_context = connection_new(context, mhd);
    if (!*socket_context) /* without it there is no guard and no timeout */
        shutdown(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                 SHUT_RDWR);
}
