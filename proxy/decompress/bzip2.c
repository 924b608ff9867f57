/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of a bzip2 file. libbz2 checks its CRCs, and needs at most 4 MB. */
#include "decompress/decompress_priv.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* After the level come the magics of a block, or of the end. */
static bool recognises(const unsigned char *bytes, size_t count)
{
    return count >= 10 && memcmp(bytes, "BZh", 3) == 0 && bytes[3] >= '1' && bytes[3] <= '9' &&
           (memcmp(bytes + 4, "1AY&SY", 6) == 0 ||
            memcmp(bytes + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static void *begin(void)
{
    bz_stream *stream = calloc(1, sizeof *stream);
    if (stream && BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK)
        return stream;
    free(stream);
    return NULL;
}

static enum decoder_result result_of(int code)
{
    switch (code) {
    case BZ_OK:
        return DECODER_MORE;
    case BZ_STREAM_END:
        return DECODER_END;
    case BZ_MEM_ERROR:
        return DECODER_NO_MEMORY;
    default:
        return DECODER_DAMAGED;
    }
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    bz_stream *stream = state;
    unsigned in = (unsigned)MIN(buffers->in_count, INT_MAX);
    unsigned room = (unsigned)MIN(buffers->out_room, INT_MAX);
    stream->next_in = (char *)buffers->in; /* libbz2 does not write to it */
    stream->avail_in = in;
    stream->next_out = (char *)buffers->out;
    stream->avail_out = room;
    int code = BZ2_bzDecompress(stream);
    decoder_advance(buffers, in - stream->avail_in, room - stream->avail_out);
    return result_of(code);
}

static void end(void *state)
{
    if (state)
        BZ2_bzDecompressEnd(state);
    free(state);
}

const struct decoder_kind decoder_bzip2 = {"bzip2", recognises, begin, decode, end, NULL};
