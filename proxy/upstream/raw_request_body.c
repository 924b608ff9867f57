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
 * asked for more until they are sent. The end of each block but the last one goes to the reserve
 * (reserve.c), and out before the next block. */
#include "upstream/upstream_priv.h"

#include "intake/settings.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

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
    raw_request_write(
        TAGGED_CONTAINER_OF(task, struct transfer, raw_request.begin, OBJECT_TRANSFER));
}

static void cut(struct task *task)
{
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(task, struct transfer, raw_request.cut, OBJECT_TRANSFER);
    transfer_finish(transfer, TRANSFER_GIVEN_UP);
}

void raw_request_prepare(struct transfer *transfer)
{
    transfer->raw_request.begin.run = begin;
    transfer->raw_request.cut.run = cut;
    transfer->raw_request.unsent_pipe = NO_UNSENT_PIPE;
}

/* Begins the body when libcurl waits for nothing but the answer, since the whole head is on its way
 * then. Before that, libcurl waits for other sockets, such as the resolver's. A body that began on
 * one connection never continues on another, even if libcurl opens one. */
void raw_request_socket(struct transfer *transfer, struct socket *socket, int what)
{
    curl_off_t reached = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    if (transfer->pulled || transfer->raw_request.socket || what != CURL_POLL_IN || reached == 0)
        return;
    transfer->raw_request.socket = socket;
    socket->writer = transfer;
    task_post(transfer->glance->loop, &transfer->raw_request.begin);
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
    socket_drop_writer(transfer->raw_request.socket);
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

static void count_written(struct transfer *transfer, size_t count)
{
    transfer->raw_bytes += count;
    if (count)
        reserve_sent(transfer);
}

static enum write_result note_written(struct transfer *transfer, ssize_t sent, size_t count)
{
    if (sent < 0)
        return result_of(transfer, (enum stream_code)sent);
    count_written(transfer, (size_t)sent);
    return (size_t)sent == count ? WRITE_DONE : WRITE_BLOCKED;
}

static enum write_result write_bytes(struct transfer *transfer, const char *bytes, size_t count,
                                     size_t *written)
{
    ssize_t sent = net_write(&transfer->raw_request.socket->stream, bytes, count);
    *written = sent > 0 ? (size_t)sent : 0;
    return note_written(transfer, sent, count);
}

static void free_unsent(struct transfer *transfer)
{
    free(transfer->raw_request.unsent);
    transfer->raw_request.unsent = NULL;
    transfer->raw_request.unsent_count = transfer->raw_request.unsent_offset = 0;
}

static enum write_result write_unsent(struct transfer *transfer)
{
    size_t written;
    if (!transfer->raw_request.unsent)
        return WRITE_DONE;
    enum write_result result = write_bytes(
        transfer, transfer->raw_request.unsent + transfer->raw_request.unsent_offset,
        transfer->raw_request.unsent_count - transfer->raw_request.unsent_offset, &written);
    transfer->raw_request.unsent_offset += written;
    if (result != WRITE_BLOCKED)
        free_unsent(transfer);
    return result;
}

static enum write_result keep_unsent(struct transfer *transfer, const char *bytes, size_t count)
{
    transfer->raw_request.unsent = malloc(count);
    if (!transfer->raw_request.unsent) {
        transfer_lacks_memory(transfer);
        return stop_writing(transfer);
    }
    memcpy(transfer->raw_request.unsent, bytes, count);
    transfer->raw_request.unsent_count = count;
    transfer->raw_request.unsent_offset = 0;
    return WRITE_BLOCKED;
}

static enum write_result write_block(struct transfer *transfer, const char *bytes, size_t count)
{
    size_t written;
    enum write_result result = write_bytes(transfer, bytes, count, &written);
    return result == WRITE_BLOCKED ? keep_unsent(transfer, bytes + written, count - written)
                                   : result;
}

/* What is still in the pipe goes to the reserve, and the pipe back to the worker. */
static enum write_result empty_pipe(struct transfer *transfer)
{
    bool whole =
        reserve_put_from_pipe(&transfer->reserve, transfer->raw_request.unsent_pipe.pipe.ends[0],
                              transfer->raw_request.pipe_rest);
    if (!whole) { /* the body must not go on behind a gap */
        transfer_lacks_memory(transfer);
        return stop_writing(transfer);
    }
    pipe_give_back(&transfer->raw_request.unsent_pipe, &transfer->glance->pipe);
    return WRITE_DONE;
}

static enum write_result write_unsent_pipe(struct transfer *transfer)
{
    size_t before = transfer->raw_request.unsent_pipe.count;
    if (transfer->raw_request.unsent_pipe.pipe.ends[0] < 0)
        return WRITE_DONE;
    enum stream_code code =
        pipe_send_some(&transfer->raw_request.unsent_pipe, &transfer->raw_request.socket->stream);
    count_written(transfer, before - transfer->raw_request.unsent_pipe.count);
    return code == STREAM_END ? empty_pipe(transfer) : result_of(transfer, code);
}

/* The oldest bytes of the reserve. `more`: bytes from a pipe follow. */
static enum write_result write_reserve(struct transfer *transfer, size_t count, bool more)
{
    char bytes[RESERVE_MAX];
    const struct net_socket *stream = &transfer->raw_request.socket->stream;
    if (reserve_take(&transfer->reserve, bytes, count) == 0)
        return WRITE_DONE;
    ssize_t sent = (more ? net_write_more : net_write)(stream, bytes, count);
    enum write_result result = note_written(transfer, sent, count);
    size_t written = sent > 0 ? (size_t)sent : 0;
    return result == WRITE_BLOCKED ? keep_unsent(transfer, bytes + written, count - written)
                                   : result;
}

/* The transfer has the pipe until all of it is sent, or in the reserve. */
static enum write_result write_pipe(struct transfer *transfer, size_t count)
{
    size_t old = transfer->reserve.count;
    size_t kept = reserve_kept_of(transfer, count);
    size_t from_reserve = MIN(old, old + count - kept);
    size_t from_pipe = old + count - kept - from_reserve;
    transfer->raw_request.unsent_pipe = (struct unsent_pipe){transfer->glance->pipe, from_pipe};
    transfer->raw_request.pipe_rest = count - from_pipe;
    transfer->glance->pipe = NO_PIPE;
    enum write_result result = write_reserve(transfer, from_reserve, from_pipe > 0);
    return result == WRITE_DONE ? write_unsent_pipe(transfer) : result;
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
    if (!glance->scratch && !(glance->scratch = malloc(RESERVE_MAX + RAW_REQUEST_CHUNK))) {
        transfer_lacks_memory(transfer);
        return TAKEN_NONE;
    }
    size_t old = transfer->reserve.count;
    size_t count = transfer_pull(transfer, glance->scratch + old, RAW_REQUEST_CHUNK);
    if (count == 0 || count > RAW_REQUEST_CHUNK)
        return TAKEN_NONE;
    size_t kept = reserve_kept_of(transfer, count);
    size_t now = old + count - kept;
    reserve_take(&transfer->reserve, glance->scratch, old);
    reserve_put(&transfer->reserve, glance->scratch + now, kept);
    *result = now ? write_block(transfer, glance->scratch, now) : WRITE_DONE;
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
    struct socket *socket = transfer->raw_request.socket;
    enum write_result result = transfer->head_told ? WRITE_STOPPED : WRITE_DONE;
    if (!socket)
        return;
    for (int block = 0; block < BLOCKS_PER_TURN && result == WRITE_DONE; block++)
        result = write_some(transfer);
    socket->write_wanted = result != WRITE_STOPPED;
    if (!socket_watch(socket))
        transfer_lacks_memory(transfer);
    if (transfer->given_up)
        task_post(transfer->glance->loop, &transfer->raw_request.cut);
}

void raw_request_feed(struct transfer *transfer)
{
    if (transfer->raw_request.socket)
        write_reserve(transfer, 1, false);
}

bool raw_request_is_short(const struct transfer *transfer)
{
    return transfer->raw_request.used && transfer->raw_bytes < transfer->length;
}

void raw_request_end(struct transfer *transfer)
{
    task_cancel(transfer->glance->loop, &transfer->raw_request.begin);
    task_cancel(transfer->glance->loop, &transfer->raw_request.cut);
    if (transfer->raw_request.socket)
        socket_drop_writer(transfer->raw_request.socket);
    free_unsent(transfer);
    pipe_drop_unsent(&transfer->raw_request.unsent_pipe);
}
