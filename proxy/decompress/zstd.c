/* SPDX-License-Identifier: Apache-2.0 */
/* A frame of a zstd file (RFC 8878). libzstd checks its checksum and its announced length. Frames
 * that are to be skipped have no data. */
#include "decompress/decompress_priv.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG_MAX = 27 };
_Static_assert(DECOMPRESS_MEMORY_MAX == UINT64_C(1) << WINDOW_LOG_MAX,
               "the largest window is the bound of memory");

static bool is_frame(const unsigned char *bytes, size_t count)
{
    return count >= 4 && memcmp(bytes, "\x28\xB5\x2F\xFD", 4) == 0;
}

static bool is_skipped(const unsigned char *bytes, size_t count)
{
    return count >= 4 && (bytes[0] & 0xF0) == 0x50 && memcmp(bytes + 1, "\x2A\x4D\x18", 3) == 0;
}

static bool recognises(const unsigned char *bytes, size_t count)
{
    return is_frame(bytes, count) || is_skipped(bytes, count);
}

static void *begin(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return context;
}

static enum decoder_result result_of(size_t code)
{
    if (!ZSTD_isError(code))
        return code == 0 ? DECODER_END : DECODER_MORE;
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_frameParameter_windowTooLarge:
        return DECODER_MEMORY;
    case ZSTD_error_memory_allocation:
        return DECODER_NO_MEMORY;
    default:
        return DECODER_DAMAGED;
    }
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    ZSTD_inBuffer in = {buffers->in, buffers->in_count, 0};
    ZSTD_outBuffer out = {buffers->out, buffers->out_room, 0};
    size_t code = ZSTD_decompressStream(state, &out, &in);
    decoder_advance(buffers, in.pos, out.pos);
    return result_of(code);
}

static void end(void *state)
{
    ZSTD_freeDCtx(state);
}

static uint64_t length(const unsigned char *bytes, size_t count)
{
    if (!is_frame(bytes, count))
        return UINT64_MAX;
    unsigned long long size = ZSTD_getFrameContentSize(bytes, count);
    bool known = size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
    return known && size <= INT64_MAX ? size : UINT64_MAX;
}

const struct decoder_kind decoder_zstd = {"zstd", recognises, begin, decode, end, length};
