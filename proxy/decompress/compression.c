/* SPDX-License-Identifier: Apache-2.0 */
/* The table of compressions. */
#include "decompress/decompress_priv.h"

static const struct decoder_kind *const KINDS[COMPRESSIONS] = {
    [COMPRESSION_GZIP] = &decoder_gzip,
    [COMPRESSION_XZ] = &decoder_xz,
    [COMPRESSION_ZSTD] = &decoder_zstd,
    [COMPRESSION_BZIP2] = &decoder_bzip2,
};

const struct decoder_kind *decoder_of(enum compression compression)
{
    return KINDS[compression];
}

enum compression compression_of(const void *bytes, size_t count)
{
    for (int i = COMPRESSION_NONE + 1; i < COMPRESSIONS; i++)
        if (KINDS[i]->recognises(bytes, count))
            return (enum compression)i;
    return COMPRESSION_NONE;
}

const char *compression_name(enum compression compression)
{
    return compression == COMPRESSION_NONE ? "" : KINDS[compression]->name;
}
