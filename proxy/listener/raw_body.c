/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a large request body from the socket, past libmicrohttpd. libmicrohttpd's buffer is small,
 * so that a block of a chunked body would have 9 KiB at most.
 *
 * libmicrohttpd parses the head, sends 100 Continue and delivers the first block. After that its
 * connection stays suspended until the end. That saves a copy and two system calls per block, and
 * it is the only way to answer in the middle of a body. raw_response.c always writes the answer.
 *
 * A guard goes on with a chunked body where libmicrohttpd has stopped, and takes the framing away.
 * Requests behind the body are not served: the connection ends with the answer. */
#include "intake/stream.h"

#include "listener/listener_priv.h"

static struct guard *guard_of(const struct client *client)
{
    return &client->connection->guard;
}

static bool is_chunked(const struct client *client)
{
    return client->framing.framing == FRAMING_CHUNKED;
}

/* At least: the length of a chunked body is not known. */
static uint64_t remaining(const struct client *client)
{
    return is_chunked(client) ? 1 : client->framing.length - client->received;
}

/* libmicrohttpd has handed over all data that it has read, and has not read any framing since. */
static bool has_all(const struct client *client)
{
    const struct guard *guard = guard_of(client);
    return guard_in_chunk(guard) && guard->passed == client->received;
}

bool raw_body_wanted(const struct client *client)
{
    if (client->state != CLIENT_RECEIVING)
        return false;
    if (is_chunked(client))
        return client->received >= RAW_BODY_MIN && has_all(client);
    return client->framing.length >= RAW_BODY_MIN && remaining(client) > 0;
}

static struct loop *loop_of(const struct client *client)
{
    return client->connection->listener->parts.loop;
}

/* Level-triggered while bytes are wanted. Otherwise only a reset matters. */
static void update_watch(struct client *client)
{
    unsigned events = client->body_wanted && !client->complete ? LOOP_READ | LOOP_HANGUP
                                                               : LOOP_HANGUP | LOOP_EDGE;
    watch_set(loop_of(client), &client->watch, events);
}

static void ready(struct watch *watch, unsigned events)
{
    struct client *client = TAGGED_CONTAINER_OF(watch, struct client, watch, OBJECT_CLIENT);
    if (events & LOOP_ERROR && !(events & LOOP_READ)) {
        client_tell_lost(client, CLIENT_VANISHED);
        return;
    }
    if (!client->body_wanted)
        return;
    client_tell_readable(client);
    if (client->state == CLIENT_RAW_BODY)
        update_watch(client);
}

static struct net_socket *socket_of(const struct client *client)
{
    return &client->connection->socket;
}

/* The owner gets no code for it, since it is not the client's fault. */
static void lacks_memory(struct task *task)
{
    client_tell_lost(TAGGED_CONTAINER_OF(task, struct client, no_memory, OBJECT_CLIENT),
                     CLIENT_NO_MEMORY);
}

void raw_body_begin(struct client *client)
{
    client_suspend(client);
    client_set_state(client, CLIENT_RAW_BODY);
    client->connection->reads_eof = true; /* libmicrohttpd gets no further byte */
    if (is_chunked(client))
        guard_strip(guard_of(client));
    buffer_free(&client->kept);
    watch_set(loop_of(client), &client->watch, 0);
    client->watch.ready = ready;
    client->no_memory.run = lacks_memory;
    net_read_ahead(socket_of(client), &client->connection->listener->ahead);
    net_expect(socket_of(client), remaining(client));
    update_watch(client);
}

static size_t limit_to_body(const struct client *client, size_t room)
{
    return room < remaining(client) ? room : (size_t)remaining(client);
}

static ssize_t wait_for_bytes(struct client *client)
{
    client_want(client);
    update_watch(client);
    return STREAM_WAIT;
}

static ssize_t note_read(struct client *client, ssize_t count)
{
    switch (count) {
    case STREAM_WAIT:
        return wait_for_bytes(client);
    case STREAM_NO_MEMORY:
        task_post(loop_of(client), &client->no_memory);
        return STREAM_WAIT;
    case STREAM_END: /* before the end of the body */
    case STREAM_LOST:
        return STREAM_LOST;
    case STREAM_NO_SPLICE:
        return STREAM_NO_SPLICE;
    default:
        client_count(client, (size_t)count);
        net_expect(socket_of(client), remaining(client));
        return count;
    }
}

/* The owner gets no code for a fault, but is told later, as by libmicrohttpd. */
static ssize_t stop_at_fault(struct client *client)
{
    faults_check_soon(client->connection);
    return STREAM_WAIT;
}

static ssize_t read_chunks(struct client *client, void *into, size_t room)
{
    struct guard *guard = guard_of(client);
    size_t kept = 0;
    while (!kept && !guard->fault && !guard_between_messages(guard)) {
        ssize_t count = net_read(socket_of(client), into, room);
        if (count <= 0)
            return note_read(client, count);
        kept = guard_judge(guard, into, (size_t)count);
    }
    client->complete = guard_between_messages(guard);
    if (!kept)
        return client->complete ? STREAM_END : stop_at_fault(client);
    return note_read(client, (ssize_t)kept);
}

ssize_t raw_body_read(struct client *client, void *into, size_t room)
{
    if (is_chunked(client))
        return read_chunks(client, into, room);
    return note_read(client, net_read(socket_of(client), into, limit_to_body(client, room)));
}

ssize_t raw_body_splice(struct client *client, int pipe, size_t room)
{
    return note_read(client, net_splice_in(socket_of(client), pipe, limit_to_body(client, room)));
}

/* Fewer bytes than the low water mark do not wake the loop. So each tick checks for them. */
void raw_body_tick(struct client *client)
{
    if (!client->body_wanted) {
        update_watch(client);
        return;
    }
    if (net_has_bytes(socket_of(client))) {
        client_tell_readable(client);
        if (client->state == CLIENT_RAW_BODY)
            update_watch(client);
        return;
    }
    if (!client->complete && client_stalled(client))
        client_tell_lost(client, CLIENT_STALLED);
}

void raw_body_end(struct client *client)
{
    net_expect(socket_of(client), 1);
    watch_set(loop_of(client), &client->watch, 0);
}
