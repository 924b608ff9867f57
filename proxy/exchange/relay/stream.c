/* SPDX-License-Identifier: Apache-2.0 */
/* Streams Glance's answer to the client.
 *
 *     libcurl -> relay buffer -> client             an answer that is not large, or has no length
 *     Glance's socket -> pipe -> client's socket    a large one, after the bytes that libcurl has
 */
#include "exchange/relay/relay_steps.h"

#include "intake/client.h"
#include "intake/metrics.h"
#include "intake/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLLECTED_MAX = 16 * 1024, LARGE_MIN = 1024 * 1024 };

/* --- how it is taken ------------------------------------------------------------------- */

/* False unless every reader of the answer must see the same length (RFC 9112 6.3). */
static bool length_of(const struct headers *fields, uint64_t *length)
{
    const char *text = headers_get(fields, "Content-Length");
    if (headers_count(fields, "Content-Length") != 1 || headers_count(fields, "Transfer-Encoding"))
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno != 0 || value > INT64_MAX)
        return false;
    *length = value;
    return true;
}

static bool has_body(const struct exchange *x, unsigned status)
{
    return status != 204 && status != 304 && strcmp(client_head(x->client)->method, "HEAD") != 0;
}

/* Small answers are collected: one send, and a failure can still become a 502. Large ones are
 * spliced; libcurl stays paused until transfer_take_rest(). */
enum answer_mode stream_mode(struct relay_flow *relay, unsigned status,
                             const struct headers *fields)
{
    uint64_t length;
    const struct exchange *x = &relay->x;
    if (!has_body(x, status) || !length_of(fields, &length))
        return ANSWER_STREAM;
    relay->reader_undecided = length >= LARGE_MIN && !client_is_tls(x->client);
    return length <= COLLECTED_MAX ? ANSWER_COLLECT : ANSWER_STREAM;
}

bool stream_open(struct relay_flow *relay, unsigned status)
{
    return !has_body(&relay->x, status) || relay_buffer_open(&relay->buffer);
}

bool stream_put(struct relay_flow *relay, const void *bytes, size_t count)
{
    if (!relay_buffer_is_open(&relay->buffer))
        return true; /* the answer has no body: what comes is dropped */
    if (relay->reader_undecided || !relay_buffer_put(&relay->buffer, bytes, count))
        return false;
    metrics_bytes(relay->x.parts->metrics, 0, count);
    client_more(relay->x.client);
    return true;
}

/* --- how the client gets it ------------------------------------------------------------ */

/* Bytes that libcurl has read were counted for the metrics when it read them. */
static ssize_t count_given(struct exchange *x, ssize_t got)
{
    if (got > 0) {
        metrics_bytes(x->parts->metrics, 0, (uint64_t)got);
        x->answer.sent += (uint64_t)got;
    }
    return got;
}

/* The bytes that libcurl has read come first, then the rest if the exchange reads it itself. */
static ssize_t stream_pull(void *context, void *into, size_t room)
{
    struct relay_flow *relay = context;
    const struct conversation *glance = &relay->x.glance;
    size_t count = relay_buffer_take(&relay->buffer, into, room);
    if (glance->transfer && relay_buffer_full(&relay->buffer) <= RELAY_BUFFER_SIZE / 2)
        transfer_read_on(glance->transfer);
    relay->x.answer.sent += count;
    if (count)
        return (ssize_t)count;
    if (glance->over)
        return glance->result == TRANSFER_ANSWERED ? STREAM_END : STREAM_LOST;
    ssize_t got = transfer_read(glance->transfer, into, room);
    return got == STREAM_NO_SPLICE ? STREAM_WAIT : count_given(&relay->x, got);
}

static ssize_t stream_move(void *context, int pipe, size_t room)
{
    struct relay_flow *relay = context;
    struct exchange *x = &relay->x;
    if (relay_buffer_full(&relay->buffer) || !x->glance.transfer)
        return STREAM_NO_SPLICE;
    return count_given(x, transfer_splice(x->glance.transfer, pipe, room));
}

static struct client_stream stream_of(struct relay_flow *relay, const struct headers *fields)
{
    struct client_stream stream = {
        .status = relay->x.glance.answer.status, .pull = stream_pull, .context = relay};
    bool bodyless = stream.status == 204 || stream.status == 304;
    stream.length_known = length_of(fields, &stream.length) || bodyless;
    return stream;
}

static void take_rest(struct relay_flow *relay, struct client_stream *stream)
{
    struct transfer *transfer = relay->x.glance.transfer;
    bool wanted = relay->reader_undecided;
    relay->reader_undecided = false;
    if (!wanted || !transfer)
        return;
    if (transfer_take_rest(transfer, stream->length))
        stream->move = stream_move;
    else
        transfer_read_on(transfer);
}

enum step_result stream_answer(struct relay_flow *relay)
{
    struct reply reply;
    struct exchange *x = &relay->x;
    struct client_stream stream = stream_of(relay, &x->glance.answer.headers);
    if (!relay_reply(x, &reply))
        return exchange_no_memory(x);
    metrics_answered(x->parts->metrics, reply.status);
    x->answer.status = reply.status;
    take_rest(relay, &stream);
    client_answer_stream(x->client, &stream, &reply.headers);
    reply_free(&reply);
    return STEP_END;
}
