/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes streams one after the other. As in the formats' own tools, several streams are one file,
 * and zero bytes may follow a stream (padding of xz, blocks of a tape). */
#include "decompress/decompress_priv.h"

#include <string.h>

bool decoding_ratio_good(uint64_t given, uint64_t taken)
{
    return given <= DECOMPRESS_RATIO_AFTER || given / DECOMPRESS_RATIO_MAX <= taken;
}

static int fail(struct decoding *decoding, enum decompress_fault fault)
{
    decoding->fault = fault;
    return -1;
}

/* 1: there is input. 0: it has ended. -1: nobody wants the result. */
static int refill(struct decoding *decoding)
{
    if (decoding->in_count || decoding->ended)
        return decoding->in_count > 0;
    ssize_t got = decoding->pull(decoding->context, &decoding->in);
    decoding->in_count = got > 0 ? (size_t)got : 0;
    decoding->ended = got == 0;
    return got < 0 ? -1 : got > 0;
}

static void skip(struct decoding *decoding, size_t count)
{
    decoding->in += count;
    decoding->in_count -= count;
    decoding->taken += count;
}

/* Skips the padding, and begins the next stream. As refill(). */
static int begin_stream(struct decoding *decoding)
{
    for (int got; (got = refill(decoding)) != 1 || (!decoding->in[0] && decoding->streams);) {
        if (got != 1)
            return got;
        skip(decoding, 1);
    }
    if (!decoding->streams && decoding->kind->length)
        decoding->length = decoding->kind->length(decoding->in, decoding->in_count);
    decoding->state = decoding->kind->begin();
    decoding->hungry = false;
    decoding->stream_in = decoding->stream_out = 0;
    return decoding->state ? 1 : fail(decoding, DECOMPRESS_NO_MEMORY);
}

static void end_stream(struct decoding *decoding)
{
    decoding->kind->end(decoding->state);
    decoding->state = NULL;
    decoding->streams++;
}

/* What follows a stream and is none is found in its first bytes, or ends before a head would. */
static bool is_trailing(const struct decoding *decoding)
{
    return decoding->streams && !decoding->stream_out && decoding->stream_in <= COMPRESSION_HEAD;
}

static enum decompress_fault fault_of(const struct decoding *decoding, enum decoder_result result)
{
    switch (result) {
    case DECODER_DAMAGED:
        return is_trailing(decoding) ? DECOMPRESS_TRAILING : DECOMPRESS_DAMAGED;
    case DECODER_MEMORY:
        return DECOMPRESS_MEMORY;
    case DECODER_NO_MEMORY:
        return DECOMPRESS_NO_MEMORY;
    default:
        return DECOMPRESS_GOOD;
    }
}

static enum decompress_fault check_bounds(const struct decoding *decoding)
{
    if (decoding->given > decoding->length)
        return DECOMPRESS_LENGTH;
    return decoding_ratio_good(decoding->given, decoding->taken) ? DECOMPRESS_GOOD
                                                                 : DECOMPRESS_RATIO;
}

/* Returns how many bytes were made, or -1. */
static ssize_t decode_some(struct decoding *decoding, void *into, size_t room)
{
    struct decoder_buffers buffers = {decoding->in, decoding->in_count, into, room};
    enum decoder_result result = decoding->kind->decode(decoding->state, &buffers);
    size_t made = room - buffers.out_room;
    size_t taken = decoding->in_count - buffers.in_count;
    skip(decoding, taken);
    decoding->stream_in += taken;
    decoding->stream_out += made;
    decoding->given += made;
    decoding->hungry = buffers.out_room > 0 && !decoding->in_count;
    enum decompress_fault fault = fault_of(decoding, result);
    if (!fault)
        fault = check_bounds(decoding);
    if (fault)
        return fail(decoding, fault);
    if (result == DECODER_END)
        end_stream(decoding);
    return (ssize_t)made;
}

ssize_t decoding_read(struct decoding *decoding, void *into, size_t room)
{
    for (;;) {
        int ready = decoding->fault    ? -1
                    : !decoding->state ? begin_stream(decoding)
                    : decoding->hungry ? refill(decoding)
                                       : 1;
        if (ready == 0 && (decoding->state || !decoding->streams))
            return fail(decoding,
                        is_trailing(decoding) ? DECOMPRESS_TRAILING : DECOMPRESS_TRUNCATED);
        if (ready != 1)
            return ready;
        ssize_t made = decode_some(decoding, into, room);
        if (made != 0)
            return made;
    }
}

void decoding_free(struct decoding *decoding)
{
    decoding->kind->end(decoding->state);
    decoding->state = NULL;
}
