/* SPDX-License-Identifier: Apache-2.0 */
/* A request is a head, then perhaps a body, which is compared while it comes, then an answer, then
 * perhaps data; then the next one. What happens again when the socket is ready is the step that
 * the connection is in. */
#include "connection.h"

#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, ANSWER_MAX = 512 + IMAGE_JSON_SIZE };

enum step { READ_HEAD, READ_BODY, WRITE_ANSWER, WRITE_DATA, OVER };

struct connection {
    struct sink *sink;
    struct transport transport;
    enum step step;

    char head[HEAD_MAX + 1]; /* then what came with it */
    size_t filled;
    struct request request; /* points into head */

    struct stream stream; /* bytes still to read, or to send */
    uint64_t position;
    bool exact; /* all of it so far */

    char answer[ANSWER_MAX];
    size_t answer_size, answer_sent;
    bool close; /* after it */
};

struct connection *connection_new(struct sink *sink, int socket)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        close(socket);
        return NULL;
    }
    connection->sink = sink;
    if (transport_open(&connection->transport, socket, sink->context))
        return connection;
    free(connection);
    return NULL;
}

void connection_free(struct connection *connection)
{
    if (connection)
        transport_close(&connection->transport);
    free(connection);
}

/* So many bytes of it are there. */
static void answer_begins(struct connection *connection, size_t size)
{
    connection->answer_size = size;
    connection->answer_sent = 0;
    connection->step = WRITE_ANSWER;
}

static void answer(struct connection *connection, const char *status, const char *type,
                   const char *body, size_t size)
{
    int head = snprintf(connection->answer, sizeof connection->answer,
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
                        type, size, connection->close ? "Connection: close\r\n" : "");
    memcpy(connection->answer + head, body, size);
    answer_begins(connection, (size_t)head + size);
}

static void answer_json(struct connection *connection, const char *status, const char *body)
{
    answer(connection, status, "application/json", body, strlen(body));
}

static void answer_image(struct connection *connection)
{
    char json[IMAGE_JSON_SIZE];
    if (images_show(connection->sink->images, connection->request.id, json))
        answer(connection, "200 OK", "application/json", json, sizeof json);
    else
        answer_json(connection, "404 Not Found", "{\"message\": \"no such image\"}");
}

static void begin_download(struct connection *connection)
{
    int size = snprintf(connection->answer, sizeof connection->answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                        "Content-Length: %" PRIu64 "\r\n%s\r\n",
                        connection->stream.size, connection->close ? "Connection: close\r\n" : "");
    answer_begins(connection, (size_t)size);
}

static void end_upload(struct connection *connection)
{
    if (!connection->exact || connection->position != connection->stream.size) {
        connection->close = true;
        answer_json(connection, "400 Bad Request",
                    "{\"message\": \"these are not the bytes of this image\"}");
        return;
    }
    images_finish(connection->sink->images, connection->request.id);
    int size =
        snprintf(connection->answer, sizeof connection->answer,
                 "HTTP/1.1 204 No Content\r\nContent-Type: text/html; charset=UTF-8\r\n%s\r\n",
                 connection->close ? "Connection: close\r\n" : "");
    answer_begins(connection, (size_t)size);
}

static void take(struct connection *connection, const void *bytes, size_t count)
{
    connection->exact =
        connection->exact && memcmp(bytes,
                                    stream_bytes(connection->sink->room, &connection->stream,
                                                 connection->position, count),
                                    count) == 0;
    connection->position += count;
    if (connection->position == connection->request.length)
        end_upload(connection);
}

static void begin_upload(struct connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct request *request = &connection->request;
    connection->exact = request->length == connection->stream.size;
    connection->step = READ_BODY;
    if (request->expect &&
        transport_send(&connection->transport, go_on, sizeof go_on - 1, false) != sizeof go_on - 1)
        connection->step = OVER;
}

static void answer_request(struct connection *connection)
{
    const struct request *request = &connection->request;
    bool known = request->id && stream_of_id(request->id, &connection->stream);
    if (request->what == REQUEST_UPLOAD && known && request->length > 0)
        begin_upload(connection);
    else if (request->what == REQUEST_DOWNLOAD && known)
        begin_download(connection);
    else if (request->what == REQUEST_SHOW)
        answer_image(connection);
    else if (request->what == REQUEST_STORES)
        answer_json(
            connection, "200 OK",
            "{\"stores\": [{\"id\": \"file\", \"default\": \"true\"}, {\"id\": \"test\"}]}");
    else if (request->what == REQUEST_USAGE)
        answer_json(connection, "200 OK", "{\"usage\": {}}");
    else
        answer_json(connection, "404 Not Found", "{\"message\": \"nothing here\"}");
}

/* All of the head is there; what came behind it is the body's. */
static void take_head(struct connection *connection, char *end)
{
    size_t size = (size_t)(end - connection->head);
    size_t more = connection->filled - size;
    char kept = *end;
    *end = '\0';
    bool good = request_read(connection->head, &connection->request);
    *end = kept;
    bool body = good && connection->request.what == REQUEST_UPLOAD;
    if (!good || (!body && (more > 0 || connection->request.length > 0))) {
        connection->step = OVER; /* pipelined, or a body that nobody asked for */
        return;
    }
    connection->filled = 0;
    connection->position = 0;
    connection->close = connection->request.close;
    answer_request(connection);
    if (connection->step == READ_BODY && more > connection->request.length)
        connection->step = OVER;
    else if (connection->step == READ_BODY && more > 0)
        take(connection, end, more);
}

/* The result of recv() and send(): true, wait for the socket, or the connection is over. */
static bool has_stopped(struct connection *connection, ssize_t count)
{
    if (count > 0)
        return false;
    if (count == 0 || errno != EAGAIN)
        connection->step = OVER;
    return true;
}

static bool read_head(struct connection *connection)
{
    char *head = connection->head;
    ssize_t got = transport_receive(&connection->transport, head + connection->filled,
                                    HEAD_MAX - connection->filled);
    if (has_stopped(connection, got))
        return false;
    connection->filled += (size_t)got;
    head[connection->filled] = '\0';
    char *end = strstr(head, "\r\n\r\n");
    if (end)
        take_head(connection, end + 4);
    else if (connection->filled == HEAD_MAX)
        connection->step = OVER;
    return true;
}

static bool read_body(struct connection *connection)
{
    uint64_t left = connection->request.length - connection->position;
    size_t room = left < STREAM_PIECE ? left : STREAM_PIECE;
    ssize_t got = transport_receive(&connection->transport, connection->sink->piece, room);
    if (has_stopped(connection, got))
        return false;
    take(connection, connection->sink->piece, (size_t)got);
    return true;
}

static void finish(struct connection *connection)
{
    connection->step = connection->close ? OVER : READ_HEAD;
}

static bool write_answer(struct connection *connection)
{
    bool data = connection->request.what == REQUEST_DOWNLOAD;
    ssize_t sent =
        transport_send(&connection->transport, connection->answer + connection->answer_sent,
                       connection->answer_size - connection->answer_sent, data);
    if (has_stopped(connection, sent))
        return false;
    connection->answer_sent += (size_t)sent;
    if (connection->answer_sent < connection->answer_size)
        return true;
    if (data)
        connection->step = WRITE_DATA;
    else
        finish(connection);
    return true;
}

static bool write_data(struct connection *connection)
{
    uint64_t left = connection->stream.size - connection->position;
    size_t count = left < STREAM_PIECE ? left : STREAM_PIECE;
    const unsigned char *bytes =
        stream_bytes(connection->sink->room, &connection->stream, connection->position, count);
    ssize_t sent = transport_send(&connection->transport, bytes, count, false);
    if (has_stopped(connection, sent))
        return false;
    connection->position += (size_t)sent;
    if (connection->position == connection->stream.size)
        finish(connection);
    return true;
}

/* One piece of data at a time: a small request during a large upload must wait at the proxy, where
 * it is measured, and not here. No event announces bytes that TLS has already read from the socket.
 */
enum connection_wants connection_run(struct connection *connection)
{
    static bool (*const steps[])(struct connection *) = {
        [READ_HEAD] = read_head,
        [READ_BODY] = read_body,
        [WRITE_ANSWER] = write_answer,
        [WRITE_DATA] = write_data,
    };
    while (connection->step != OVER) {
        bool data = connection->step == READ_BODY || connection->step == WRITE_DATA;
        bool ready = steps[connection->step](connection);
        if (!ready || (data && !transport_has_some(&connection->transport)))
            break;
    }
    if (connection->step == OVER)
        return WANTS_END;
    return connection->step == READ_HEAD || connection->step == READ_BODY ? WANTS_INPUT
                                                                          : WANTS_OUTPUT;
}
