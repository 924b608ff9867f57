/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a large answer is read from the socket itself.
 *
 * libcurl sends the request and reads the head and the first piece of the body. Then it lets go of
 * the connection, of which another descriptor stays open here; what is still to come is taken when
 * the client has room for it, and need not leave the kernel on its way. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void over(struct task *task)
{
    struct transfer *transfer = (struct transfer *)((char *)task - offsetof(struct transfer, over));
    if (transfer->left)
        strncpy(transfer->detail, "closed within its answer", sizeof transfer->detail - 1);
    transfer_finish(transfer, transfer->left ? TRANSFER_FAILED : TRANSFER_ANSWERED);
}

static void tell(struct transfer *transfer)
{
    if (!transfer->hungry)
        return;
    transfer->hungry = false;
    transfer->owner->more(transfer->context);
}

/* While the client is the slower one nobody wants to know what else has come. */
static void ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct transfer *transfer =
        (struct transfer *)((char *)watch - offsetof(struct transfer, watch));
    if (!transfer->hungry)
        watch_set(transfer->glance->loop, watch, LOOP_EDGE);
    tell(transfer);
}

void raw_reply_prepare(struct transfer *transfer)
{
    transfer->over.run = over;
    transfer->watch.fd = -1;
    transfer->watch.ready = ready;
}

static bool is_plain(const struct transfer *transfer)
{
    return transfer->endpoint != ENDPOINT_NONE &&
           strncasecmp(transfer->settings->glance.endpoints[transfer->endpoint], "http://",
                       strlen("http://")) == 0;
}

/* libcurl has given away all that it has read, and would go on with exactly the rest. */
static bool is_between_pieces(const struct transfer *transfer, uint64_t length)
{
    curl_off_t expected = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
    return !transfer->read_paused && transfer->socket != CURL_SOCKET_BAD && expected >= 0 &&
           (uint64_t)expected == length && transfer->received < length;
}

/* What libcurl has read, and was not let give away, comes by data() now; it does not read on before
 * its socket is looked at again. */
static void let_out(struct transfer *transfer)
{
    transfer->read_paused = false;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

static bool open_watch(struct transfer *transfer)
{
    transfer->watch.fd = fcntl(transfer->socket, F_DUPFD_CLOEXEC, 0);
    if (transfer->watch.fd < 0)
        return false;
    if (watch_set(transfer->glance->loop, &transfer->watch, LOOP_READ | LOOP_EDGE))
        return true;
    close(transfer->watch.fd);
    transfer->watch.fd = -1;
    return false;
}

bool transfer_take_rest(struct transfer *transfer, uint64_t length)
{
    struct glance *glance = transfer->glance;
    if (!transfer->head_told || !transfer->all_pulled || transfer->sent || !is_plain(transfer))
        return false;
    let_out(transfer);
    if (!is_between_pieces(transfer, length) || !open_watch(transfer))
        return false;
    transfer->left = length - transfer->received;
    attempt_answered(transfer);
    attempt_flows(transfer);
    /* It closes a connection that it leaves in mid-answer; never is it to give this one to another.
     */
    curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_multi_remove_handle(glance->multi, transfer->easy);
    glance_give_handle(glance, transfer->easy);
    transfer->easy = NULL;
    return true;
}

/* --- taking it ------------------------------------------------------------------------- */

/* The kernel wakes us for at least this much (less at the end, and always when Glance is through):
 * few large pieces, not many small ones. Less than that must not lie there for long:
 * raw_reply_tick().
 */
enum { LOW_WATER = PIPE_SIZE };

static void set_low_water(struct transfer *transfer)
{
    int bytes = transfer->left < LOW_WATER ? (int)transfer->left : LOW_WATER;
    if (bytes != transfer->low_water)
        setsockopt(transfer->watch.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    transfer->low_water = bytes;
}

void raw_reply_tick(struct transfer *transfer)
{
    int waiting = 0;
    if (transfer->hungry && ioctl(transfer->watch.fd, FIONREAD, &waiting) == 0 && waiting > 0)
        tell(transfer);
}

static ssize_t took(struct transfer *transfer, ssize_t count)
{
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        set_low_water(transfer);
        watch_set(transfer->glance->loop, &transfer->watch, LOOP_READ | LOOP_EDGE);
        if (!transfer->hungry)
            transfer->progress = clock_ms(); /* from now on it is Glance that is waited for */
        transfer->hungry = true;
        return STREAM_WAIT;
    }
    if (count > 0) {
        transfer->left -= (uint64_t)count;
        transfer->wired += (uint64_t)count;
    }
    if (count <= 0 || !transfer->left)
        task_post(transfer->glance->loop, &transfer->over);
    return count > 0 ? count : STREAM_LOST;
}

static size_t at_most_left(const struct transfer *transfer, size_t room)
{
    return room < transfer->left ? room : (size_t)transfer->left;
}

ssize_t transfer_read(struct transfer *transfer, void *into, size_t room)
{
    if (transfer->watch.fd < 0)
        return STREAM_NO_SPLICE;
    if (!transfer->left)
        return STREAM_END;
    return took(transfer,
                recv(transfer->watch.fd, into, at_most_left(transfer, room), MSG_DONTWAIT));
}

ssize_t transfer_splice(struct transfer *transfer, int pipe, size_t room)
{
    if (transfer->watch.fd < 0)
        return STREAM_NO_SPLICE;
    if (!transfer->left)
        return STREAM_END;
    return took(transfer, splice(transfer->watch.fd, NULL, pipe, NULL, at_most_left(transfer, room),
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

void raw_reply_end(struct transfer *transfer)
{
    task_cancel(transfer->glance->loop, &transfer->over);
    if (transfer->watch.fd < 0)
        return;
    watch_set(transfer->glance->loop, &transfer->watch, 0);
    close(transfer->watch.fd);
    transfer->watch.fd = -1;
}
