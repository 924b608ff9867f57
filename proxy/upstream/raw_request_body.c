/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a large request body to Glance's socket, past libcurl. libcurl opens the connection, sends
 * the head and reads the answer. Writing the body here keeps an answer that Glance gives before it
 * closes, and can splice bytes from socket to socket. An upload has a buffer only while Glance's
 * socket is full.
 *
 *     client's socket -> scratch -> Glance's socket        bytes that a filter reads
 *     client's socket -> pipe    -> Glance's socket        bytes that no filter reads
 *
 * Scratch and pipe belong to the worker. If Glance's socket is full, the transfer keeps the unsent
 * bytes: a copy of up to RAW_REQUEST_CHUNK bytes, or the pipe with its bytes. The client is not
 * asked for more until they are sent. */
#include "upstream/upstream_priv.h"

#include "intake/settings.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Blocks per turn of the loop, so that other transfers get their turn. */
enum { BLOCKS_PER_TURN = 2 };

/* --- whether, and when ----------------------------------------------------------------- */

static bool all_plain_http(const struct settings *settings)
{
    for (size_t i = 0; i < settings->glance.endpoint_count; i++)
        if (strncasecmp(settings->glance.endpoints[i], "http://", strlen("http://")) != 0)
            return false;
    return true;
}

/* Image data only: a raw body ends with Glance's answer. To other requests Glance may give a good
 * answer early and still read on. */
bool raw_request_wanted(const struct transfer *transfer, const struct upstream_request *request)
{
    return transfer->owner->move && !request->url && request->framing == FRAMING_LENGTH &&
           request->length >= RAW_REQUEST_MIN && all_plain_http(transfer->settings);
}

static void begin(struct task *task)
{
    raw_request_write(TAGGED_CONTAINER_OF(task, struct transfer, raw_begin, OBJECT_TRANSFER));
}

static void cut(struct task *task)
{
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(task, struct transfer, raw_cut, OBJECT_TRANSFER);
    transfer_finish(transfer, TRANSFER_GIVEN_UP);
}

void raw_request_prepare(struct transfer *transfer)
{
    transfer->raw_begin.run = begin;
    transfer->raw_cut.run = cut;
    transfer->unsent_pipe = NO_UNSENT_PIPE;
}

/* Begins the body when libcurl waits for nothing but the answer, since the whole head is on its way
 * then. Before that, libcurl waits for other sockets, such as the resolver's. A body that began on
 * one connection never continues on another, even if libcurl opens one. */
void raw_request_socket(struct transfer *transfer, struct socket *socket, int what)
{
    curl_off_t reached = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    if (transfer->pulled || transfer->raw_socket || what != CURL_POLL_IN || reached == 0)
        return;
    transfer->raw_socket = socket;
    socket->writer = transfer;
    task_post(transfer->glance->loop, &transfer->raw_begin);
}

/* --- writing --------------------------------------------------------------------------- */

enum write_result {
    WRITE_DONE,    /* everything was written: continue with the next block */
    WRITE_BLOCKED, /* the socket is full */
    WRITE_STOPPED  /* the owner has nothing now, or Glance takes no more: libcurl will tell why */
};

/* The unsent bytes are lost, so nothing after them may be written either. */
static enum write_result stop_writing(struct transfer *transfer)
{
    socket_drop_writer(transfer->raw_socket);
    return WRITE_STOPPED;
}

static enum write_result result_of(struct transfer *transfer, enum stream_code code)
{
    if (code == STREAM_WAIT)
        return WRITE_BLOCKED;
    if (code == STREAM_NO_MEMORY)
        transfer_lacks_memory(transfer);
    return stop_writing(transfer);
}

static enum write_result write_bytes(struct transfer *transfer, const char *bytes, size_t count,
                                     size_t *written)
{
    ssize_t sent = net_write(&transfer->raw_socket->stream, bytes, count);
    *written = sent > 0 ? (size_t)sent : 0;
    transfer->raw_bytes += *written;
    if (sent < 0)
        return result_of(transfer, (enum stream_code)sent);
    return *written == count ? WRITE_DONE : WRITE_BLOCKED;
}

static void free_unsent(struct transfer *transfer)
{
    free(transfer->unsent);
    transfer->unsent = NULL;
    transfer->unsent_count = transfer->unsent_offset = 0;
}

static enum write_result write_unsent(struct transfer *transfer)
{
    size_t written;
    if (!transfer->unsent)
        return WRITE_DONE;
    enum write_result result =
        write_bytes(transfer, transfer->unsent + transfer->unsent_offset,
                    transfer->unsent_count - transfer->unsent_offset, &written);
    transfer->unsent_offset += written;
    if (result != WRITE_BLOCKED)
        free_unsent(transfer);
    return result;
}

static enum write_result keep_unsent(struct transfer *transfer, const char *bytes, size_t count)
{
    transfer->unsent = malloc(count);
    if (!transfer->unsent) {
        transfer_lacks_memory(transfer);
        return stop_writing(transfer);
    }
    memcpy(transfer->unsent, bytes, count);
    transfer->unsent_count = count;
    transfer->unsent_offset = 0;
    return WRITE_BLOCKED;
}

static enum write_result write_block(struct transfer *transfer, const char *bytes, size_t count)
{
    size_t written;
    enum write_result result = write_bytes(transfer, bytes, count, &written);
    return result == WRITE_BLOCKED ? keep_unsent(transfer, bytes + written, count - written)
                                   : result;
}

static enum write_result write_unsent_pipe(struct transfer *transfer)
{
    size_t before = transfer->unsent_pipe.count;
    if (!before)
        return WRITE_DONE;
    enum stream_code code = pipe_send_unsent(&transfer->unsent_pipe, &transfer->raw_socket->stream,
                                             &transfer->glance->pipe);
    transfer->raw_bytes += before - transfer->unsent_pipe.count;
    return code == STREAM_END ? WRITE_DONE : result_of(transfer, code);
}

static enum write_result write_pipe(struct transfer *transfer, size_t count)
{
    enum stream_code code = pipe_send(&transfer->glance->pipe, count, &transfer->raw_socket->stream,
                                      &transfer->unsent_pipe);
    transfer->raw_bytes += count - transfer->unsent_pipe.count;
    return code == STREAM_END ? WRITE_DONE : result_of(transfer, code);
}

/* --- taking ---------------------------------------------------------------------------- */

enum taken {
    TAKEN_BLOCK, /* a block was taken and written, see `result` */
    TAKEN_NONE,  /* the owner waits, has lost the client, or has supplied the whole body */
    TAKEN_NO_SPLICE
};

static enum taken splice_block(struct transfer *transfer, enum write_result *result)
{
    struct pipe *pipe = &transfer->glance->pipe;
    if (!transfer->owner->move || !pipe_open(pipe))
        return TAKEN_NO_SPLICE;
    ssize_t got = transfer->owner->move(transfer->context, pipe->ends[1], PIPE_SIZE);
    if (got == STREAM_NO_SPLICE)
        return TAKEN_NO_SPLICE;
    size_t count = transfer_took(transfer, got);
    if (count == 0 || count > PIPE_SIZE) {
        if (got != STREAM_WAIT)
            pipe_close(pipe); /* it may hold bytes that must not be sent */
        return TAKEN_NONE;
    }
    *result = write_pipe(transfer, count);
    return TAKEN_BLOCK;
}

static enum taken read_block(struct transfer *transfer, enum write_result *result)
{
    struct glance *glance = transfer->glance;
    if (!glance->scratch && !(glance->scratch = malloc(RAW_REQUEST_CHUNK))) {
        transfer_lacks_memory(transfer);
        return TAKEN_NONE;
    }
    size_t count = transfer_on_pull(glance->scratch, 1, RAW_REQUEST_CHUNK, transfer);
    if (count == 0 || count > RAW_REQUEST_CHUNK)
        return TAKEN_NONE;
    *result = write_block(transfer, glance->scratch, count);
    return TAKEN_BLOCK;
}

static enum write_result write_next(struct transfer *transfer)
{
    enum write_result result = WRITE_DONE;
    enum taken taken = transfer->all_pulled ? TAKEN_NONE : splice_block(transfer, &result);
    if (taken == TAKEN_NO_SPLICE)
        taken = read_block(transfer, &result);
    return taken == TAKEN_BLOCK ? result : WRITE_STOPPED;
}

static enum write_result write_some(struct transfer *transfer)
{
    enum write_result result = write_unsent(transfer);
    if (result == WRITE_DONE)
        result = write_unsent_pipe(transfer);
    return result == WRITE_DONE ? write_next(transfer) : result;
}

/* Writes until the client has no more, Glance's socket is full, or the turn is over.
 * After Glance's answer nothing is written. */
void raw_request_write(struct transfer *transfer)
{
    struct socket *socket = transfer->raw_socket;
    enum write_result result = transfer->head_told ? WRITE_STOPPED : WRITE_DONE;
    if (!socket)
        return;
    for (int block = 0; block < BLOCKS_PER_TURN && result == WRITE_DONE; block++)
        result = write_some(transfer);
    socket->write_wanted = result != WRITE_STOPPED;
    if (!socket_watch(socket))
        transfer_lacks_memory(transfer);
    if (transfer->given_up)
        task_post(transfer->glance->loop, &transfer->raw_cut);
}

bool raw_request_is_short(const struct transfer *transfer)
{
    return transfer->raw_request && transfer->raw_bytes < transfer->length;
}

void raw_request_end(struct transfer *transfer)
{
    task_cancel(transfer->glance->loop, &transfer->raw_begin);
    task_cancel(transfer->glance->loop, &transfer->raw_cut);
    if (transfer->raw_socket)
        socket_drop_writer(transfer->raw_socket);
    free_unsent(transfer);
    pipe_drop_unsent(&transfer->unsent_pipe);
}
