/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's callbacks for a transfer: they deliver the answer's head and body, and supply the
 * request's body. None of them starts or ends a transfer. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>

static void take_status(struct transfer *transfer, const char *line)
{
    headers_free(&transfer->answer);
    const char *space = strchr(line, ' ');
    transfer->status = space ? (unsigned)strtoul(space, NULL, 10) : 0;
}

static void trim(char *text)
{
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
}

/* All control characters but NUL, which cannot be in a string. */
static const char CONTROLS[] = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27"
                               "\30\31\32\33\34\35\36\37\177";

/* A field value must not have control characters (RFC 9110 5.5), and they could reach a
 * terminal. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            *text = ' ';
}

static bool take_field(struct transfer *transfer, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return true; /* not a field: it is skipped */
    *colon = '\0';
    blank_controls(colon + 1);
    trim(line);
    if (strpbrk(line, CONTROLS))
        return true; /* not a valid field name: it is skipped */
    char *value = colon + 1 + strspn(colon + 1, " \t");
    trim(value);
    return headers_add(&transfer->answer, line, value);
}

static void head_complete(struct transfer *transfer)
{
    if (transfer->status == 100 && transfer->owner->continued)
        transfer->owner->continued(transfer->context);
    if (transfer->status < 200)
        return;
    transfer->head_told = true;
    transfer->progress = clock_ms();
    transfer->owner->head(transfer->context, transfer->status, &transfer->answer);
    if (transfer->bodyless)
        task_post(transfer->glance->loop, &transfer->raw_response.over);
    else if (transfer->send_paused) /* libcurl never ends a paused transfer */
        task_post(transfer->glance->loop, &transfer->unpause);
}

size_t transfer_on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t total = size * count;
    if (transfer->head_told)
        return total; /* trailers */
    char *line = strndup(bytes, total);
    transfer->no_memory = !line;
    if (!line)
        return 0;
    bool good = true;
    if (strncmp(line, "HTTP/", 5) == 0)
        take_status(transfer, line);
    else if (line[0] != '\r' && line[0] != '\n')
        good = take_field(transfer, line);
    else if (idle_is_out_of_step(transfer))
        good = false;
    else
        head_complete(transfer);
    free(line);
    transfer->no_memory = !good && !transfer->connection.stale;
    return good ? total : 0;
}

size_t transfer_on_data(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (!transfer->owner->data(transfer->context, bytes, size * count)) {
        transfer->read_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer->received += size * count;
    return size * count;
}

static size_t end_of_body(struct transfer *transfer)
{
    bool whole = transfer->framing == FRAMING_CHUNKED || transfer->sent == transfer->length;
    transfer->all_pulled = whole;
    transfer->given_up = !whole;
    return whole ? 0 : CURL_READFUNC_ABORT;
}

/* Bytes after the body would be a second request to Glance. */
static bool exceeds_length(const struct transfer *transfer, ssize_t got)
{
    return transfer->framing == FRAMING_LENGTH && got > 0 &&
           (uint64_t)got > transfer->length - transfer->sent;
}

size_t transfer_took(struct transfer *transfer, ssize_t got)
{
    if (exceeds_length(transfer, got))
        got = STREAM_LOST;
    transfer->pulled = true;
    switch (got) {
    case STREAM_WAIT:
        transfer->send_paused = true;
        return CURL_READFUNC_PAUSE;
    case STREAM_LOST:
        transfer->given_up = true;
        return CURL_READFUNC_ABORT;
    case STREAM_END:
        return end_of_body(transfer);
    default:
        transfer->sent += (uint64_t)got;
        transfer->all_pulled =
            transfer->framing == FRAMING_LENGTH && transfer->sent == transfer->length;
        return (size_t)got;
    }
}

size_t transfer_pull(struct transfer *transfer, void *into, size_t room)
{
    if (transfer->all_pulled)
        return 0; /* libcurl may call once more, when the owner's client may have left already */
    transfer->pulled = true;
    return transfer_took(transfer, transfer->owner->pull(transfer->context, into, room));
}

/* Pulls a block behind the reserve, and keeps a new reserve of its end. Returns as transfer_pull().
 * 0: the reserve has all of the block, or the body has ended. */
static size_t pull_block(struct transfer *transfer, char *into, size_t room)
{
    struct reserve *reserve = &transfer->reserve;
    size_t old = reserve->count;
    size_t got = transfer_pull(transfer, into + old, room - old);
    if (got > room)
        return got; /* a code of libcurl */
    reserve_take(reserve, into, old);
    size_t kept = reserve_kept_of(transfer, got);
    reserve_put(reserve, into + old + got - kept, kept);
    return old + got - kept;
}

/* Each round adds at least one byte to the reserve, so there are few rounds. */
static size_t pull_with_reserve(struct transfer *transfer, char *into, size_t room)
{
    size_t got = 0;
    if (transfer->reserve.fed)
        return reserve_take(&transfer->reserve, into, 1);
    while (got == 0 && !transfer->all_pulled)
        got = pull_block(transfer, into, room);
    return got;
}

size_t transfer_on_pull(char *into, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t got = pull_with_reserve(transfer, into, size * count);
    transfer->reserve.fed = false;
    if (got > 0 && got <= size * count)
        reserve_sent(transfer);
    return got;
}
