/* SPDX-License-Identifier: Apache-2.0 */
/* One request, as libmicrohttpd's access handler tells it: head, pieces of the body, the end of
 * it; and the answer. See enum client_state for what a handler call means in each state. */
#include "listener/listener_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { TICK_MS = 1000, STREAM_BLOCK = 32 * 1024 };

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
    return client->complete && client->piece.taken == client->piece.len;
}

bool client_can_stream(const struct client *client)
{
    return client->complete && client->state != CLIENT_TAKEN_OVER;
}

/* --- birth and death ----------------------------------------------------------------------- */

/* The client has ended its side. One whose request is complete may do that and still wait for the
 * answer; one that owes more of the body than can have arrived is gone. */
static bool owes_body(const struct client *client)
{
    int waiting = 0;
    if (client->state != CLIENT_HELD || ioctl(client->connection->fd, FIONREAD, &waiting) != 0)
        return false;
    if (client->framing.expects_continue && waiting == 0)
        return true;
    return client->framing.framing == FRAMING_LENGTH &&
           client->framing.length > (uint64_t)waiting + CONNECTION_POOL;
}

static void watched(struct watch *watch, unsigned events)
{
    struct client *client = (struct client *)((char *)watch - offsetof(struct client, watch));
    if (events & LOOP_ERROR || (events & LOOP_HANGUP && owes_body(client)))
        client_tell_lost(client, CLIENT_VANISHED);
}

struct client *client_new(struct connection *connection, const char *target)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->target = strdup(target);
    if (!client->target) {
        free(client);
        return NULL;
    }
    client->connection = connection;
    client->head.target = client->target;
    client->watch.fd = connection->fd;
    client->watch.ready = watched;
    reply_init(&client->reply);
    buffer_init(&client->kept, CONNECTION_POOL);
    buffer_init(&client->wire, REPLY_BODY_MAX + CONNECTION_POOL * 4);
    connection->client = client;
    connection_request_began(connection);
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    headers_free(&client->head.headers);
    reply_free(&client->reply);
    buffer_free(&client->wire);
    buffer_free(&client->kept);
    free(client->target);
    free(client->method);
    free(client->version);
    free(client);
}

void client_closed(struct client *client)
{
    struct connection *connection = client->connection;
    const struct client_events *events = connection->listener->parts.events;
    client->state = CLIENT_OVER;
    if (client->exchange)
        events->closed(client->exchange, client->answered);
    client->exchange = NULL;
    client_free(client);
    connection_request_ended(connection);
}

/* --- suspend and resume, progress and loss --------------------------------------------------- */

void client_suspend(struct client *client)
{
    if (client->suspended)
        return;
    client->suspended = true;
    MHD_suspend_connection(client->connection->mhd);
}

void client_resume(struct client *client)
{
    if (!client->suspended)
        return;
    client->suspended = false;
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    MHD_resume_connection(client->connection->mhd);
    client->connection->door->due = true; /* with an outer epoll libmicrohttpd wakes nobody */
}

void client_progress(struct client *client)
{
    client->progress = clock_ms();
}

void client_want(struct client *client)
{
    if (!client->wanting)
        client_progress(client);
    client->wanting = true;
}

void client_tell_readable(struct client *client)
{
    client->wanting = false;
    if (client->exchange && !client->lost_told)
        client->connection->listener->parts.events->readable(client->exchange);
}

void client_tell_lost(struct client *client, enum client_loss why)
{
    watch_set(client->connection->listener->parts.loop, &client->watch, 0);
    if (client->lost_told || !client->exchange)
        return;
    client->lost_told = true;
    client->connection->listener->parts.events->lost(client->exchange, why);
    if (why == CLIENT_VANISHED && client->exchange)
        client_drop(client);
}

void client_drop(struct client *client)
{
    connection_cut(client->connection);
    client->state = CLIENT_OVER;
    client_resume(client);
}

/* --- ticks: what is waited for, and for how long ---------------------------------------------- */

static bool stalled(const struct client *client)
{
    uint64_t timeout = client->connection->snapshot->settings->listen.stall_timeout;
    return clock_ms() - client->progress >= timeout;
}

/* A suspended connection is out of libmicrohttpd's sight: a reset would go unseen. The watch is
 * set at the first tick and not before, as most requests are over by then. */
static void watch_for_reset(struct client *client)
{
    if (client->suspended)
        watch_set(client->connection->listener->parts.loop, &client->watch,
                  LOOP_HANGUP | LOOP_EDGE);
}

/* What the kernel still holds for the client gets less as the client reads. */
static bool is_reading(struct client *client)
{
    int queued = 0;
    ioctl(client->connection->fd, SIOCOUTQ, &queued);
    bool less = queued < client->queued_bytes;
    client->queued_bytes = queued;
    return less;
}

static void tick_while_answering(struct client *client)
{
    if (client->suspended) {
        watch_for_reset(client); /* the stream's source is what is waited for */
        client_progress(client);
    } else if (is_reading(client)) {
        client_progress(client);
    } else if (stalled(client)) {
        connection_cut(client->connection);
    }
}

/* libmicrohttpd takes a read that fills less than its buffer for the last one there is, and asks
 * epoll for changes only: an end that came together with such bytes is lost on it. A resumed
 * connection it reads anew. */
static void read_anew(struct client *client)
{
    char byte;
    if (client->suspended || !client->wanting ||
        recv(client->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return;
    client_suspend(client);
    client_resume(client);
}

static void tick_while_receiving(struct client *client)
{
    watch_for_reset(client);
    read_anew(client);
    if (client->wanting && stalled(client))
        client_tell_lost(client, CLIENT_STALLED);
}

uint64_t client_tick(struct client *client)
{
    uint64_t half = client->connection->snapshot->settings->listen.stall_timeout / 2;
    uint64_t next = half < TICK_MS ? half + 1 : TICK_MS;
    switch (client->state) {
    case CLIENT_INVITED:
    case CLIENT_RECEIVING:
        tick_while_receiving(client);
        break;
    case CLIENT_TAKEN_OVER:
        takeover_tick(client);
        next = client->wanting ? next / 4 + 1 : next;
        break;
    case CLIENT_ANSWERING:
        tick_while_answering(client);
        break;
    case CLIENT_BY_HAND:
    case CLIENT_DRAINING:
        by_hand_tick(client);
        break;
    default:
        watch_for_reset(client);
    }
    return next;
}

/* --- the body ----------------------------------------------------------------------------------
 */

void client_invite(struct client *client)
{
    client_want(client);
    client->state = CLIENT_INVITED;
    client_resume(client);
}

void client_count(struct client *client, size_t bytes)
{
    client->received += bytes;
    client_progress(client);
    if (client->framing.framing == FRAMING_LENGTH && client->received == client->framing.length)
        client->complete = true;
}

/* A piece that was taken whole gives way to the next: from the socket, or from libmicrohttpd. */
static void piece_taken(struct client *client)
{
    memset(&client->piece, 0, sizeof client->piece);
    buffer_clear(&client->kept);
    if (takeover_wanted(client))
        takeover_begin(client);
    else
        client_resume(client);
}

static size_t take_piece(struct client *client, void *into, size_t room)
{
    size_t left = client->piece.len - client->piece.taken;
    size_t count = left < room ? left : room;
    memcpy(into, client->piece.data + client->piece.taken, count);
    client->piece.taken += count;
    client_count(client, count);
    if (count == left)
        piece_taken(client);
    return count;
}

ssize_t client_read(struct client *client, void *into, size_t room)
{
    if (client->lost_told || client->state == CLIENT_OVER)
        return CLIENT_LOST;
    if (client->piece.taken < client->piece.len)
        return (ssize_t)take_piece(client, into, room);
    if (client->complete)
        return CLIENT_END;
    if (client->state == CLIENT_TAKEN_OVER)
        return takeover_read(client, into, room);
    client_want(client);
    return CLIENT_WAIT;
}

/* What is not taken at once is kept in a copy: libmicrohttpd moves its own while the connection is
 * suspended, and goes on calling for the chunks it has read already. That is at most its pool. */
static bool keep(struct client *client, const char *data, size_t count)
{
    if (!buffer_append(&client->kept, data, count))
        return false;
    client->piece.data = client->kept.data;
    client->piece.len = client->kept.len;
    client_suspend(client);
    return true;
}

static bool take_at_once(struct client *client, const char *data, size_t count)
{
    client->piece.data = data;
    client->piece.len = count;
    client->piece.taken = 0;
    client_tell_readable(client);
    size_t taken = client->piece.len ? client->piece.taken : count;
    memset(&client->piece, 0, sizeof client->piece);
    return taken == count || keep(client, data + taken, count - taken);
}

static enum MHD_Result receive_piece(struct client *client, const char *data, size_t *size)
{
    size_t count = *size;
    *size = 0;
    client_progress(client);
    bool good = client->kept.len ? keep(client, data, count) : take_at_once(client, data, count);
    return good && client->state != CLIENT_OVER ? MHD_YES : MHD_NO;
}

static enum MHD_Result receive_end(struct client *client);

static enum MHD_Result receive(struct client *client, const char *data, size_t *size)
{
    return *size ? receive_piece(client, data, size) : receive_end(client);
}

/* --- the answer ---------------------------------------------------------------------------------
 */

/* libmicrohttpd forgets a connection that its reader ends right after a resume: closed, but never
 * cleaned up. So the socket is shut, and a byte is given whose sending fails; that it sees. */
static ssize_t break_off(struct client *client, char *into)
{
    connection_cut(client->connection);
    *into = '\0';
    return 1;
}

/* The last chunk can say that this is the end; else the end of the connection has to. */
static ssize_t end_stream(struct client *client, char *into)
{
    bool chunked = !client->stream.length_known && strcmp(client->version, "HTTP/1.0") != 0;
    return chunked ? MHD_CONTENT_READER_END_OF_STREAM : break_off(client, into);
}

static ssize_t stream_reader(void *context, uint64_t position, char *into, size_t room)
{
    (void)position;
    struct client *client = context;
    if (client->state == CLIENT_OVER)
        return break_off(client, into); /* if it waited again, nobody would resume it */
    ssize_t count = client->stream.pull(client->stream.context, into, room);
    switch (count) {
    case CLIENT_WAIT:
        client_suspend(client);
        return 0;
    case CLIENT_END:
        return end_stream(client, into);
    case CLIENT_LOST:
        return break_off(client, into);
    default:
        client_progress(client);
        return count;
    }
}

static struct MHD_Response *make_response(struct client *client)
{
    if (client->streaming && (!client->stream.length_known || client->stream.length))
        return MHD_create_response_from_callback(client->stream.length_known ? client->stream.length
                                                                             : MHD_SIZE_UNKNOWN,
                                                 STREAM_BLOCK, stream_reader, client, NULL);
    /* The reply lives as long as the client, and that is as long as the response. */
    return MHD_create_response_from_buffer(client->reply.body.len, client->reply.body.data,
                                           MHD_RESPMEM_PERSISTENT);
}

/* To a HEAD whose answer has no length libmicrohttpd would send the end of a chunked body. Without
 * chunks it sends none, and closes the connection. */
static void forbid_chunks(const struct client *client, struct MHD_Response *response)
{
    bool bare = strcmp(client->method, "HEAD") == 0;
    if (bare && client->streaming && !client->stream.length_known)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

/* libmicrohttpd refuses a field with an empty value: such a one is lost. Connection has to come
 * first, or it forgets that it has a Date. */
static void fill_headers(struct client *client, struct MHD_Response *response)
{
    if (connection_is_last(client->connection))
        MHD_add_response_header(response, "Connection", "close");
    headers_each(row, &client->reply.headers)
        MHD_add_response_header(response, row->name, row->value);
}

static enum MHD_Result queue_answer(struct client *client)
{
    struct MHD_Response *response = make_response(client);
    if (!response)
        return MHD_NO;
    forbid_chunks(client, response);
    fill_headers(client, response);
    client->state = CLIENT_ANSWERING;
    client_progress(client);
    enum MHD_Result result =
        MHD_queue_response(client->connection->mhd, client->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

void client_answer(struct client *client, struct reply *reply)
{
    if (client->state == CLIENT_OVER)
        return;
    reply_free(&client->reply);
    client->reply = *reply;
    reply_init(reply);
    if (!client_can_stream(client)) {
        by_hand_answer(client);
        return;
    }
    client->state = CLIENT_ANSWERABLE;
    client_resume(client);
}

void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers)
{
    if (client->state == CLIENT_OVER)
        return;
    client->stream = *stream;
    client->streaming = true;
    client->reply.status = stream->status;
    headers_free(&client->reply.headers);
    client->reply.headers = *headers;
    *headers = (struct headers){0};
    client->state = CLIENT_ANSWERABLE;
    client_resume(client);
}

void client_more(struct client *client)
{
    if (client->state == CLIENT_ANSWERING)
        client_resume(client);
}

/* --- the access handler --------------------------------------------------------------------------
 */

static enum MHD_Result copy_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    (void)name_size;
    (void)value_size;
    return headers_add(context, name, value ? value : "") ? MHD_YES : MHD_NO;
}

static bool take_head(struct client *client, const char *method, const char *version)
{
    client->method = strdup(method);
    client->version = strdup(version);
    if (!client->method || !client->version)
        return false;
    client->head.method = client->method;
    client->head.version = client->version;
    struct MHD_Connection *mhd = client->connection->mhd;
    int count =
        MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, copy_header, &client->head.headers);
    if (count < 0 || (size_t)count != client->head.headers.count)
        return false;
    client->fault = head_fault(&client->head, &client->framing);
    return true;
}

/* After the owner was told something: it has answered or invited, or it is waited for. */
static enum MHD_Result settle(struct client *client)
{
    switch (client->state) {
    case CLIENT_OVER:
        return MHD_NO;
    case CLIENT_ANSWERABLE:
        if (client->suspended)
            return MHD_YES;
        return queue_answer(client);
    case CLIENT_INVITED:
        client->state = CLIENT_RECEIVING;
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
        return MHD_NO;
    client->exchange = exchange;
    return settle(client);
}

/* A request without a body is opened at the second call: an answer queued in the first one would
 * cost the connection. */
static enum MHD_Result begin(struct client *client, const char *method, const char *version)
{
    if (!take_head(client, method, version))
        return MHD_NO;
    connection_tick_in(client->connection, client_tick(client));
    bool bodyless = client->framing.framing == FRAMING_NONE ||
                    (client->framing.framing == FRAMING_LENGTH && client->framing.length == 0);
    if (!client->fault && bodyless) {
        client->state = CLIENT_BODYLESS;
        return MHD_YES;
    }
    client->state = CLIENT_HELD;
    return open_exchange(client);
}

static enum MHD_Result receive_end(struct client *client)
{
    client->complete = true;
    client->state = CLIENT_COMPLETE;
    client_tell_readable(client);
    return settle(client);
}

enum MHD_Result client_handle(struct client *client, const char *method, const char *version,
                              const char *data, size_t *size)
{
    switch (client->state) {
    case CLIENT_HEAD:
        return begin(client, method, version);
    case CLIENT_BODYLESS:
        client->complete = true;
        client->state = CLIENT_COMPLETE;
        return open_exchange(client);
    case CLIENT_RECEIVING:
        return receive(client, data, size);
    case CLIENT_ANSWERABLE:
        return queue_answer(client);
    default:
        return settle(client);
    }
}
