/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of Glance's that goes to the client while it comes.
 *
 *     libcurl -> window -> client                      until it is large, or of unknown length
 *     Glance's socket -> pipe -> client's socket       a large one, but for what libcurl has of it
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

/* A length that whoever reads the answer must come to as well (RFC 9112 6.3). */
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

/* Of a little one the head can wait for the body: one send instead of two, and should Glance break
 * off, the client is told so. A large one goes past the libraries on both sides, and what comes of
 * it is not taken before it is known who reads the rest. */
enum answer_mode stream_mode(struct exchange *x, unsigned status, const struct headers *fields)
{
    uint64_t length;
    if (!has_body(x, status) || !length_of(fields, &length))
        return ANSWER_STREAM;
    x->large = length >= LARGE_MIN && !client_is_tls(x->client);
    return length <= COLLECTED_MAX ? ANSWER_COLLECT : ANSWER_STREAM;
}

bool stream_open(struct exchange *x, unsigned status)
{
    return !has_body(x, status) || relay_buffer_open(&x->relay_buffer);
}

bool stream_put(struct exchange *x, const void *bytes, size_t count)
{
    if (!relay_buffer_is_open(&x->relay_buffer))
        return true; /* an answer without a body has none, whatever comes */
    if (x->large || !relay_buffer_put(&x->relay_buffer, bytes, count))
        return false;
    metrics_bytes(x->parts->metrics, 0, count);
    client_more(x->client);
    return true;
}

/* --- how the client gets it ------------------------------------------------------------ */

static ssize_t count_given(struct exchange *x, ssize_t got)
{
    if (got > 0)
        metrics_bytes(x->parts->metrics, 0, (uint64_t)got);
    return got;
}

/* What libcurl has read, and then the rest, if that is ours to read. */
static ssize_t stream_pull(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    size_t count = relay_buffer_take(&x->relay_buffer, into, room);
    if (x->glance.transfer && relay_buffer_full(&x->relay_buffer) <= RELAY_BUFFER_SIZE / 2)
        transfer_read_on(x->glance.transfer);
    if (count)
        return (ssize_t)count;
    if (x->glance.over)
        return x->glance.result == TRANSFER_ANSWERED ? STREAM_END : STREAM_LOST;
    ssize_t got = transfer_read(x->glance.transfer, into, room);
    return got == STREAM_NO_SPLICE ? STREAM_WAIT : count_given(x, got);
}

static ssize_t stream_move(void *context, int pipe, size_t room)
{
    struct exchange *x = context;
    if (relay_buffer_full(&x->relay_buffer) || !x->glance.transfer)
        return STREAM_NO_SPLICE;
    return count_given(x, transfer_splice(x->glance.transfer, pipe, room));
}

static struct client_stream stream_of(struct exchange *x, const struct headers *fields)
{
    struct client_stream stream = {
        .status = x->glance.answer.status, .pull = stream_pull, .context = x};
    bool bodyless = stream.status == 204 || stream.status == 304;
    stream.length_known = length_of(fields, &stream.length) || bodyless;
    return stream;
}

static void take_rest(struct exchange *x, struct client_stream *stream)
{
    bool wanted = x->large;
    x->large = false;
    if (!wanted || !x->glance.transfer)
        return;
    if (transfer_take_rest(x->glance.transfer, stream->length))
        stream->move = stream_move;
    else
        transfer_read_on(x->glance.transfer);
}

enum step_result stream_answer(struct exchange *x)
{
    struct reply reply;
    struct client_stream stream = stream_of(x, &x->glance.answer.headers);
    if (!relay_reply(x, &reply))
        return exchange_no_memory(x);
    metrics_answered(x->parts->metrics, reply.status);
    take_rest(x, &stream);
    client_answer_stream(x->client, &stream, &reply.headers);
    reply_free(&reply);
    return STEP_END;
}
