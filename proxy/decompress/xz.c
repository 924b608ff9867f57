/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of an xz file. liblzma checks its checksums, and bounds its dictionary. */
#include "decompress/decompress_priv.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

static bool recognises(const unsigned char *bytes, size_t count)
{
    return count >= 6 && memcmp(bytes, "\xFD\x37zXZ", 6) == 0;
}

static void *begin(void)
{
    static const lzma_stream fresh = LZMA_STREAM_INIT;
    lzma_stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = fresh;
    if (lzma_stream_decoder(stream, DECOMPRESS_MEMORY_MAX, LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK)
        return stream;
    free(stream);
    return NULL;
}

static enum decoder_result result_of(lzma_ret code)
{
    switch (code) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        return DECODER_MORE;
    case LZMA_STREAM_END:
        return DECODER_END;
    case LZMA_MEMLIMIT_ERROR:
        return DECODER_MEMORY;
    case LZMA_MEM_ERROR:
        return DECODER_NO_MEMORY;
    default:
        return DECODER_DAMAGED;
    }
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    lzma_stream *stream = state;
    stream->next_in = buffers->in;
    stream->avail_in = buffers->in_count;
    stream->next_out = buffers->out;
    stream->avail_out = buffers->out_room;
    lzma_ret code = lzma_code(stream, LZMA_RUN);
    buffers->in = stream->next_in;
    buffers->in_count = stream->avail_in;
    buffers->out = stream->next_out;
    buffers->out_room = stream->avail_out;
    return result_of(code);
}

static void end(void *state)
{
    if (state)
        lzma_end(state);
    free(state);
}

const struct decoder_kind decoder_xz = {"xz", recognises, begin, decode, end, NULL};
