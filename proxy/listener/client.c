/* SPDX-License-Identifier: Apache-2.0 */
/* One request, driven by calls of libmicrohttpd's access handler: its head, its body, its end. See
 * enum client_state for what a call means in each state. */
#include "listener/listener_priv.h"

#include "intake/log.h"
#include "intake/metrics.h"

#include <stdlib.h>
#include <string.h>

const struct request_head *client_head(const struct client *client)
{
    return &client->head;
}

const struct framing_facts *client_framing(const struct client *client)
{
    return &client->framing;
}

const char *client_fault(const struct client *client)
{
    return client->fault;
}

enum refusal client_refusal(const struct client *client)
{
    return client->refusal;
}

bool client_over_limit(const struct client *client)
{
    return client->connection->over_limit;
}

const char *client_peer(const struct client *client)
{
    return client->connection->peer;
}

bool client_is_tls(const struct client *client)
{
    return client->connection->tls;
}

bool client_body_complete(const struct client *client)
{
    return client->complete && client->block.taken == client->block.len;
}

void client_vouch(struct client *client)
{
    client->vouched = true;
}

bool client_can_stream(const struct client *client)
{
    return client->complete && client->state != CLIENT_RAW_BODY;
}

/* --- creation and end ------------------------------------------------------------------ */

/* Called when the client has closed its sending side. It may do so after a complete request and
 * still wait for the answer. If it owes more of the body than has arrived, it has left. The body is
 * complete if the head of another request came after it. */
static bool owes_body(const struct client *client)
{
    const struct connection *connection = client->connection;
    return client->state == CLIENT_HELD && connection->guard.heads == connection->requests &&
           !net_may_have(&connection->socket, guard_due(&connection->guard));
}

static void socket_event(struct watch *watch, unsigned events)
{
    struct client *client = TAGGED_CONTAINER_OF(watch, struct client, watch, OBJECT_CLIENT);
    if (events & LOOP_ERROR || (events & LOOP_HANGUP && owes_body(client)))
        client_tell_lost(client, CLIENT_VANISHED);
}

/* A request whose head did not go through the guard is never served. */
static bool was_guarded(const struct connection *connection)
{
    bool guarded = connection->requests < connection->guard.heads;
    if (!guarded)
        log_say(LOG_LEVEL_ERROR, "a request was dropped: its head was read past recv()");
    return guarded;
}

struct client *client_new(struct connection *connection, const char *target)
{
    struct client *client = was_guarded(connection) ? calloc(1, sizeof *client) : NULL;
    if (!client)
        return NULL;
    client->target = strdup(target);
    if (!client->target) {
        free(client);
        return NULL;
    }
    client->tag = OBJECT_CLIENT;
    client->connection = connection;
    client->head.target = client->target;
    client->watch.fd = connection->socket.fd;
    client->watch.ready = socket_event;
    client->unsent = NO_UNSENT_PIPE;
    reply_init(&client->reply);
    buffer_init(&client->kept, CONNECTION_POOL);
    buffer_init(&client->output, REPLY_BODY_MAX + CONNECTION_POOL * 4);
    client->refusal = REFUSAL_BAD_REQUEST;
    connection->client = client;
    connection->requests++;
    connection_request_began(connection);
    return client;
}

static void client_free(struct client *client)
{
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    task_cancel(client->connection->listener->parts.loop, &client->no_memory);
    headers_free(&client->head.headers);
    reply_free(&client->reply);
    buffer_free(&client->output);
    pipe_drop_unsent(&client->unsent);
    buffer_free(&client->kept);
    free(client->target);
    free(client->method);
    free(client->version);
    client->tag = OBJECT_GONE;
    free(client);
}

void client_closed(struct client *client)
{
    struct connection *connection = client->connection;
    const struct client_events *events = connection->listener->parts.events;
    client_set_state(client, CLIENT_OVER);
    if (client->exchange)
        events->closed(client->exchange, client->answered);
    client->exchange = NULL;
    client_free(client);
    connection_request_ended(connection);
}

void client_leave(struct client *client)
{
    client->exchange = NULL;
    if (client->state < CLIENT_ANSWERABLE)
        client_drop(client);
}

/* --- the access handler ---------------------------------------------------------------- */

/* The listener itself answers, since there is no exchange. */
static enum MHD_Result refuse_for_memory(struct client *client)
{
    metrics_refused(client->connection->listener->parts.metrics, REFUSAL_OUT_OF_MEMORY);
    client_out_of_memory(client);
    return MHD_YES;
}

/* After an event: the owner has answered, has asked for the body, or needs time. */
static enum MHD_Result continue_request(struct client *client)
{
    switch (client->state) {
    case CLIENT_OVER:
        return MHD_NO;
    case CLIENT_ANSWERABLE:
        if (client->suspended)
            return MHD_YES;
        return client_queue_answer(client);
    case CLIENT_INVITED:
        client_set_state(client, CLIENT_RECEIVING);
        return MHD_YES;
    default:
        client_suspend(client);
        return MHD_YES;
    }
}

static enum MHD_Result open_exchange(struct client *client)
{
    const struct listener_parts *parts = &client->connection->listener->parts;
    void *exchange = parts->events->opened(parts->context, client);
    if (!exchange)
        return refuse_for_memory(client);
    client->exchange = exchange;
    return continue_request(client);
}

/* A request without a body is opened in the second handler call: libmicrohttpd would close the
 * connection after an answer that is queued in the first one. */
static enum MHD_Result begin_request(struct client *client, const char *method, const char *version)
{
    if (!client_take_head(client, method, version))
        return refuse_for_memory(client);
    connection_tick_in(client->connection, client_tick(client));
    bool bodyless = client->framing.framing == FRAMING_NONE ||
                    (client->framing.framing == FRAMING_LENGTH && client->framing.length == 0);
    if (!client->fault && bodyless) {
        client_set_state(client, CLIENT_BODYLESS);
        return MHD_YES;
    }
    client_set_state(client, CLIENT_HELD);
    return open_exchange(client);
}

/* Opens an exchange for the fault, so that the owner refuses it as it refuses others. */
void client_refuse_head(struct client *client)
{
    const struct guard *guard = &client->connection->guard;
    client->method = strdup(guard_method_is_head(guard) ? "HEAD" : "GET");
    client->version = strdup("HTTP/1.1");
    if (!client->method || !client->version) {
        client_drop(client);
        return;
    }
    client->head.method = client->method;
    client->head.version = client->version;
    client->fault = guard->fault;
    client->refusal = guard->refusal;
    if (client->connection->plain_http)
        plain_http_read_host(client);
    client_set_state(client, CLIENT_HELD);
    if (open_exchange(client) == MHD_NO)
        client_drop(client);
    else
        connection_tick_in(client->connection, client_tick(client));
}

void client_refuse_body(struct client *client)
{
    client->fault = client->connection->guard.fault;
    client->refusal = client->connection->guard.refusal;
    client_tell_lost(client, CLIENT_MALFORMED);
}

static enum MHD_Result receive_end(struct client *client)
{
    client->complete = true;
    client_set_state(client, CLIENT_COMPLETE);
    client_tell_readable(client);
    return continue_request(client);
}

static enum MHD_Result handle(struct client *client, const char *method, const char *version,
                              const char *data, size_t *size)
{
    switch (client->state) {
    case CLIENT_HEAD:
        return begin_request(client, method, version);
    case CLIENT_BODYLESS:
        client->complete = true;
        client_set_state(client, CLIENT_COMPLETE);
        return open_exchange(client);
    case CLIENT_RECEIVING:
        return *size ? client_receive_block(client, data, size) : receive_end(client);
    case CLIENT_ANSWERABLE:
        return client_queue_answer(client);
    default:
        return continue_request(client);
    }
}

/* libmicrohttpd also calls the handler for a suspended connection if it has read several chunks at
 * once. If the handler returned MHD_NO then, libmicrohttpd would keep the connection for ever: not
 * closed, not suspended, not running. So this function cuts and resumes such a connection, and
 * returns MHD_YES. */
enum MHD_Result client_handle(struct client *client, const char *method, const char *version,
                              const char *data, size_t *size)
{
    bool suspended = client->suspended;
    enum MHD_Result result = handle(client, method, version, data, size);
    if (result == MHD_YES || (!suspended && !client->suspended))
        return result;
    client_drop(client);
    return MHD_YES;
}
