/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the rest of a large answer from the socket, past libcurl.
 *
 * libcurl sends the request, and reads the head and the first block of the body. Then it closes its
 * descriptor of the connection; a duplicate of the descriptor stays open here. The rest is read
 * when the client can take it, and can be spliced. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/stream.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static void end_response(struct task *task)
{
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(task, struct transfer, raw_response.over, OBJECT_TRANSFER);
    if (transfer->raw_response.remaining)
        strncpy(transfer->detail, "closed within its answer", sizeof transfer->detail - 1);
    transfer_finish(transfer,
                    transfer->raw_response.remaining ? TRANSFER_FAILED : TRANSFER_ANSWERED);
}

static void tell_reader(struct transfer *transfer)
{
    if (!transfer->raw_response.reader_waiting)
        return;
    transfer->raw_response.reader_waiting = false;
    transfer->owner->more(transfer->context);
}

/* Nothing is watched while the owner does not wait for Glance, which is so while the client is
 * slower. */
static void ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct transfer *transfer =
        TAGGED_CONTAINER_OF(watch, struct transfer, raw_response.watch, OBJECT_TRANSFER);
    if (!transfer->raw_response.reader_waiting)
        watch_set(transfer->glance->loop, watch, LOOP_EDGE);
    tell_reader(transfer);
}

void raw_reply_prepare(struct transfer *transfer)
{
    transfer->raw_response.over.run = end_response;
    transfer->raw_response.watch.fd = -1;
    transfer->raw_response.watch.ready = ready;
}

static bool is_plain_http(const struct transfer *transfer)
{
    return transfer->attempt.endpoint != ENDPOINT_NONE &&
           strncasecmp(transfer->settings->glance.endpoints[transfer->attempt.endpoint], "http://",
                       strlen("http://")) == 0;
}

/* Whether libcurl has delivered every byte that it has read, so that exactly the rest is in the
 * socket. */
static bool is_between_blocks(const struct transfer *transfer, uint64_t length)
{
    curl_off_t expected = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
    return !transfer->read_paused && transfer->connection.fd != CURL_SOCKET_BAD && expected >= 0 &&
           (uint64_t)expected == length && transfer->received < length;
}

/* Lets libcurl deliver the block that was paused, by `data`. libcurl reads no more before its
 * socket is driven again. */
static void release_paused_block(struct transfer *transfer)
{
    transfer->read_paused = false;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

static bool open_watch(struct transfer *transfer)
{
    transfer->raw_response.watch.fd = fcntl(transfer->connection.fd, F_DUPFD_CLOEXEC, 0);
    if (transfer->raw_response.watch.fd < 0)
        return false;
    transfer->raw_response.socket = net_socket_plain(transfer->raw_response.watch.fd);
    if (watch_set(transfer->glance->loop, &transfer->raw_response.watch, LOOP_READ | LOOP_EDGE))
        return true;
    close(transfer->raw_response.watch.fd);
    transfer->raw_response.watch.fd = -1;
    return false;
}

bool transfer_take_rest(struct transfer *transfer, uint64_t length)
{
    struct glance *glance = transfer->glance;
    if (!transfer->head_told || !transfer->all_pulled || transfer->sent || !is_plain_http(transfer))
        return false;
    release_paused_block(transfer);
    if (!is_between_blocks(transfer, length) || !open_watch(transfer))
        return false;
    transfer->raw_response.remaining = length - transfer->received;
    attempt_answered(transfer);
    attempt_begin_flow(transfer);
    /* libcurl closes a connection with an incomplete answer. FORBID_REUSE makes sure that it never
     * gives this one to another request. */
    curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_multi_remove_handle(glance->multi, transfer->easy);
    glance_give_handle(glance, transfer->easy);
    transfer->easy = NULL;
    return true;
}

/* --- reading it ------------------------------------------------------------------------ */

void raw_reply_tick(struct transfer *transfer)
{
    if (transfer->raw_response.reader_waiting && net_has_bytes(&transfer->raw_response.socket))
        tell_reader(transfer);
}

static ssize_t wait_for_bytes(struct transfer *transfer)
{
    net_expect(&transfer->raw_response.socket, transfer->raw_response.remaining);
    watch_set(transfer->glance->loop, &transfer->raw_response.watch, LOOP_READ | LOOP_EDGE);
    if (!transfer->raw_response.reader_waiting)
        transfer->progress = clock_ms(); /* the timeout of Glance begins here */
    transfer->raw_response.reader_waiting = true;
    return STREAM_WAIT;
}

static ssize_t note_read(struct transfer *transfer, ssize_t count)
{
    if (count == STREAM_WAIT)
        return wait_for_bytes(transfer);
    if (count == STREAM_NO_MEMORY) {
        transfer_lacks_memory(transfer);
        return STREAM_LOST;
    }
    if (count > 0) {
        transfer->raw_response.remaining -= (uint64_t)count;
        transfer->raw_bytes += (uint64_t)count;
    }
    if (count <= 0 || !transfer->raw_response.remaining)
        task_post(transfer->glance->loop, &transfer->raw_response.over);
    return count > 0 ? count : STREAM_LOST;
}

static size_t limit_to_body(const struct transfer *transfer, size_t room)
{
    return room < transfer->raw_response.remaining ? room
                                                   : (size_t)transfer->raw_response.remaining;
}

ssize_t transfer_read(struct transfer *transfer, void *into, size_t room)
{
    if (transfer->raw_response.watch.fd < 0)
        return STREAM_NO_SPLICE;
    if (!transfer->raw_response.remaining)
        return STREAM_END;
    return note_read(transfer,
                     net_read(&transfer->raw_response.socket, into, limit_to_body(transfer, room)));
}

ssize_t transfer_splice(struct transfer *transfer, int pipe, size_t room)
{
    if (transfer->raw_response.watch.fd < 0)
        return STREAM_NO_SPLICE;
    if (!transfer->raw_response.remaining)
        return STREAM_END;
    return note_read(transfer, net_splice_in(&transfer->raw_response.socket, pipe,
                                             limit_to_body(transfer, room)));
}

void raw_reply_end(struct transfer *transfer)
{
    task_cancel(transfer->glance->loop, &transfer->raw_response.over);
    if (transfer->raw_response.watch.fd < 0)
        return;
    watch_set(transfer->glance->loop, &transfer->raw_response.watch, 0);
    close(transfer->raw_response.watch.fd);
    transfer->raw_response.watch.fd = -1;
}
