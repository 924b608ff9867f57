/* SPDX-License-Identifier: Apache-2.0 */
/* A large body goes to Glance beside libcurl: libcurl opens the connection, sends the head and
 * reads the answer; the body is written to the socket here. That takes no buffer per upload, no
 * answer is lost that Glance gives before it closes, and what nobody has to look at goes from
 * socket to socket without leaving the kernel.
 *
 *     client's socket -> scratch -> Glance's socket        pieces that are read
 *     client's socket -> pipe    -> Glance's socket        pieces that are not
 *
 * Scratch and pipe are the worker's. What the socket has no room for stays with its transfer, and
 * nothing more is taken from the client before that is gone. */
#include "upstream/upstream_priv.h"

#include "intake/settings.h"
#include "intake/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Rounds in a turn: others wait meanwhile. */
enum { ROUNDS = 2 };

/* --- whether, and when ----------------------------------------------------------------- */

static bool all_plain(const struct settings *settings)
{
    for (size_t i = 0; i < settings->glance.endpoint_count; i++)
        if (strncasecmp(settings->glance.endpoints[i], "http://", strlen("http://")) != 0)
            return false;
    return true;
}

/* Images only: Glance may answer any other request early and well, and go on reading, which is over
 * here with its answer. */
bool raw_request_wanted(const struct transfer *transfer, const struct upstream_request *request)
{
    return transfer->owner->move && !request->url && request->framing == FRAMING_LENGTH &&
           request->length >= RAW_REQUEST_MIN && all_plain(transfer->settings);
}

static void begin(struct task *task)
{
    raw_request_go_on((struct transfer *)((char *)task - offsetof(struct transfer, begin)));
}

static void cut(struct task *task)
{
    struct transfer *transfer = (struct transfer *)((char *)task - offsetof(struct transfer, cut));
    transfer_finish(transfer, TRANSFER_GIVEN_UP);
}

void raw_request_prepare(struct transfer *transfer)
{
    transfer->begin.run = begin;
    transfer->cut.run = cut;
    transfer->stuck = NO_PIPE;
}

/* Once libcurl waits for nothing but the answer, the whole head is on its way. It waits for other
 * sockets before that, such as the resolver's. A body that was begun on one connection never goes
 * on on another, whatever libcurl does. */
void raw_request_socket(struct transfer *transfer, struct socket *socket, int what)
{
    curl_off_t reached = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    if (transfer->pulled || transfer->wire || what != CURL_POLL_IN || reached == 0)
        return;
    transfer->wire = socket;
    socket->writer = transfer;
    task_post(transfer->glance->loop, &transfer->begin);
}

/* --- writing --------------------------------------------------------------------------- */

enum outcome {
    GONE,    /* all of it: the next piece */
    BLOCKED, /* the socket has no room */
    OVER     /* there is no more now, or Glance takes no more: libcurl will tell why */
};

/* What was to be written is lost then, and nothing that comes behind it may be written either. */
static enum outcome broken(struct transfer *transfer)
{
    socket_drop_writer(transfer->wire);
    return OVER;
}

static enum outcome outcome_of_error(struct transfer *transfer)
{
    if (errno == EAGAIN || errno == EINTR)
        return BLOCKED;
    if (errno == ENOMEM || errno == ENOBUFS)
        transfer_lacks_memory(transfer);
    return broken(transfer);
}

static enum outcome write_bytes(struct transfer *transfer, const char *bytes, size_t count,
                                size_t *written)
{
    ssize_t sent = send(transfer->wire->watch.fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    *written = sent > 0 ? (size_t)sent : 0;
    transfer->wired += *written;
    if (sent < 0)
        return outcome_of_error(transfer);
    return *written == count ? GONE : BLOCKED;
}

static void forget_rest(struct transfer *transfer)
{
    free(transfer->rest);
    transfer->rest = NULL;
    transfer->rest_count = transfer->raw_reply_sent = 0;
}

static enum outcome write_rest(struct transfer *transfer)
{
    size_t written;
    if (!transfer->rest)
        return GONE;
    enum outcome outcome = write_bytes(transfer, transfer->rest + transfer->raw_reply_sent,
                                       transfer->rest_count - transfer->raw_reply_sent, &written);
    transfer->raw_reply_sent += written;
    if (outcome != BLOCKED)
        forget_rest(transfer);
    return outcome;
}

static enum outcome keep_rest(struct transfer *transfer, const char *bytes, size_t count)
{
    transfer->rest = malloc(count);
    if (!transfer->rest) {
        transfer_lacks_memory(transfer);
        return broken(transfer);
    }
    memcpy(transfer->rest, bytes, count);
    transfer->rest_count = count;
    transfer->raw_reply_sent = 0;
    return BLOCKED;
}

static enum outcome write_piece(struct transfer *transfer, const char *bytes, size_t count)
{
    size_t written;
    enum outcome outcome = write_bytes(transfer, bytes, count, &written);
    return outcome == BLOCKED ? keep_rest(transfer, bytes + written, count - written) : outcome;
}

/* What was moved into a pipe goes on from there. */
static enum outcome empty_pipe(struct transfer *transfer, struct pipe *from, size_t *count)
{
    while (*count) {
        ssize_t moved = splice(from->ends[0], NULL, transfer->wire->watch.fd, NULL, *count,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved <= 0)
            return moved < 0 ? outcome_of_error(transfer) : broken(transfer);
        *count -= (size_t)moved;
        transfer->wired += (uint64_t)moved;
    }
    return GONE;
}

static enum outcome write_stuck(struct transfer *transfer)
{
    if (!transfer->stuck_count)
        return GONE;
    enum outcome outcome = empty_pipe(transfer, &transfer->stuck, &transfer->stuck_count);
    if (outcome == GONE && transfer->glance->pipe.ends[0] < 0) {
        transfer->glance->pipe = transfer->stuck;
        transfer->stuck = NO_PIPE;
    } else if (outcome == GONE) {
        pipe_close(&transfer->stuck);
    }
    return outcome;
}

/* --- taking ---------------------------------------------------------------------------- */

enum taken {
    TAKEN_PIECE, /* and written, as `outcome` says */
    TAKEN_NONE,  /* the owner waits, has given up, or has given all */
    TAKEN_UNMOVED
};

static enum taken move_piece(struct transfer *transfer, enum outcome *outcome)
{
    struct pipe *pipe = &transfer->glance->pipe;
    if (!transfer->owner->move || !pipe_open(pipe))
        return TAKEN_UNMOVED;
    ssize_t got = transfer->owner->move(transfer->context, pipe->ends[1], PIPE_SIZE);
    if (got == STREAM_NO_SPLICE)
        return TAKEN_UNMOVED;
    size_t count = transfer_took(transfer, got);
    if (count == 0 || count > PIPE_SIZE) {
        if (got != STREAM_WAIT)
            pipe_close(pipe); /* what may be in it is for nobody */
        return TAKEN_NONE;
    }
    *outcome = empty_pipe(transfer, pipe, &count);
    if (*outcome != GONE) { /* what is in it is this transfer's */
        transfer->stuck = *pipe;
        transfer->stuck_count = count;
        *pipe = NO_PIPE;
    }
    return TAKEN_PIECE;
}

static enum taken pull_piece(struct transfer *transfer, enum outcome *outcome)
{
    struct glance *glance = transfer->glance;
    if (!glance->scratch && !(glance->scratch = malloc(RAW_REQUEST_CHUNK))) {
        transfer_lacks_memory(transfer);
        return TAKEN_NONE;
    }
    size_t count = transfer_on_pull(glance->scratch, 1, RAW_REQUEST_CHUNK, transfer);
    if (count == 0 || count > RAW_REQUEST_CHUNK)
        return TAKEN_NONE;
    *outcome = write_piece(transfer, glance->scratch, count);
    return TAKEN_PIECE;
}

static enum outcome write_next(struct transfer *transfer)
{
    enum outcome outcome = GONE;
    enum taken taken = transfer->all_pulled ? TAKEN_NONE : move_piece(transfer, &outcome);
    if (taken == TAKEN_UNMOVED)
        taken = pull_piece(transfer, &outcome);
    return taken == TAKEN_PIECE ? outcome : OVER;
}

static enum outcome write_some(struct transfer *transfer)
{
    enum outcome outcome = write_rest(transfer);
    if (outcome == GONE)
        outcome = write_stuck(transfer);
    return outcome == GONE ? write_next(transfer) : outcome;
}

/* Until the client has no more, or Glance no room; then another transfer's turn comes. Who has
 * answered wants no more of it. */
void raw_request_go_on(struct transfer *transfer)
{
    struct socket *socket = transfer->wire;
    enum outcome outcome = transfer->head_told ? OVER : GONE;
    if (!socket)
        return;
    for (int round = 0; round < ROUNDS && outcome == GONE; round++)
        outcome = write_some(transfer);
    socket->room_wanted = outcome != OVER;
    if (!socket_watch(socket))
        transfer_lacks_memory(transfer);
    if (transfer->given_up)
        task_post(transfer->glance->loop, &transfer->cut);
}

bool raw_request_is_short(const struct transfer *transfer)
{
    return transfer->raw_request && transfer->wired < transfer->length;
}

void raw_request_end(struct transfer *transfer)
{
    task_cancel(transfer->glance->loop, &transfer->begin);
    task_cancel(transfer->glance->loop, &transfer->cut);
    if (transfer->wire)
        socket_drop_writer(transfer->wire);
    forget_rest(transfer);
    pipe_close(&transfer->stuck);
    transfer->stuck_count = 0;
}
