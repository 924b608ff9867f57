/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a gzip file (RFC 1952). zlib checks its CRC and its length. */
#include "decompress/decompress_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <zlib.h>

static bool recognises(const unsigned char *bytes, size_t count)
{
    return count >= 3 && memcmp(bytes, "\x1F\x8B\x08", 3) == 0;
}

static void *begin(void)
{
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    z_stream *stream = calloc(1, sizeof *stream);
    if (stream && inflateInit2(stream, GZIP_ONLY) == Z_OK)
        return stream;
    free(stream);
    return NULL;
}

static enum decoder_result result_of(int code)
{
    switch (code) {
    case Z_OK:
    case Z_BUF_ERROR:
        return DECODER_MORE;
    case Z_STREAM_END:
        return DECODER_END;
    case Z_MEM_ERROR:
        return DECODER_NO_MEMORY;
    default:
        return DECODER_DAMAGED;
    }
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    z_stream *stream = state;
    uInt in = (uInt)MIN(buffers->in_count, INT_MAX);
    uInt room = (uInt)MIN(buffers->out_room, INT_MAX);
    stream->next_in = (unsigned char *)buffers->in; /* zlib does not write to it */
    stream->avail_in = in;
    stream->next_out = buffers->out;
    stream->avail_out = room;
    int code = inflate(stream, Z_NO_FLUSH);
    decoder_advance(buffers, in - stream->avail_in, room - stream->avail_out);
    return result_of(code);
}

static void end(void *state)
{
    if (state)
        inflateEnd(state);
    free(state);
}

const struct decoder_kind decoder_gzip = {"gzip", recognises, begin, decode, end, NULL};
