/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the decompressor. All but decompressor.c run in its thread.
 *
 *   decompressor.c   the two buffers between the loop's thread and the decompressing one
 *   compression.c    the table of compressions
 *   gzip.c, xz.c, zstd.c, bzip2.c   one stream of each, by the format's own library
 *   decoding.c       streams one after the other, as one run of bytes, within the bounds
 *   disk.c           the image in these bytes: all of them, or the file in a tar
 *
 * libarchive reads the tar only. As a decoder of streams it does not do: it does not check the CRC
 * of gzip, it ignores what follows a stream, and its bound of memory is fixed. */
#ifndef DECOMPRESS_PRIV_H
#define DECOMPRESS_PRIV_H

#include "intake/decompressor.h"

/* --- one stream ---------------------------------------------------------------------------- */

enum decoder_result {
    DECODER_MORE, /* all input was taken, or all room was used */
    DECODER_END,  /* the stream has ended, and its checksums are right */
    DECODER_DAMAGED,
    DECODER_MEMORY, /* it needs more than DECOMPRESS_MEMORY_MAX */
    DECODER_NO_MEMORY
};

/* Both parts shrink from their beginning. */
struct decoder_buffers {
    const unsigned char *in;
    size_t in_count;
    unsigned char *out;
    size_t out_room;
};

static inline void decoder_advance(struct decoder_buffers *buffers, size_t read, size_t written)
{
    buffers->in += read;
    buffers->in_count -= read;
    buffers->out += written;
    buffers->out_room -= written;
}

struct decoder_kind {
    const char *name;
    bool (*recognises)(const unsigned char *bytes, size_t count);
    void *(*begin)(void); /* at the beginning of a stream. NULL: no memory */
    enum decoder_result (*decode)(void *state, struct decoder_buffers *buffers);
    void (*end)(void *state); /* NULL is fine */

    /* The decompressed length that the head of the stream announces, which the decoder enforces.
     * UINT64_MAX, or no function: none. */
    uint64_t (*length)(const unsigned char *bytes, size_t count);
};

extern const struct decoder_kind decoder_gzip, decoder_xz, decoder_zstd, decoder_bzip2;
const struct decoder_kind *decoder_of(enum compression compression);

/* --- all streams --------------------------------------------------------------------------- */

/* Takes the next compressed bytes: more than 0, 0 at their end, or -1 if nobody wants the result.
 * `bytes` stay valid until the next call. */
typedef ssize_t decoding_pull(void *context, const unsigned char **bytes);

struct decoding {
    const struct decoder_kind *kind;
    decoding_pull *pull;
    void *context;
    void *state; /* of the stream that is being decoded; NULL: none */
    const unsigned char *in;
    size_t in_count;
    bool hungry;                    /* the decoder needs input */
    bool ended;                     /* the input has ended */
    unsigned streams;               /* that have ended */
    uint64_t stream_in, stream_out; /* bytes of this stream: compressed, decompressed */
    uint64_t taken, given;
    uint64_t length; /* announced for all; UINT64_MAX: not */
    enum decompress_fault fault;
};

/* More than 0, 0 at the end, or -1: there is a fault, or nobody wants the result. */
ssize_t decoding_read(struct decoding *decoding, void *into, size_t room);
void decoding_free(struct decoding *decoding);

/* Whether `given` bytes may have been made of `taken` compressed ones. */
bool decoding_ratio_good(uint64_t given, uint64_t taken);

/* --- the image ----------------------------------------------------------------------------- */

struct disk_sink {
    /* Called once, before the first byte. UINT64_MAX: the length is not known. */
    void (*opened)(void *context, uint64_t length);
    bool (*put)(void *context, const void *bytes, size_t count); /* false: nobody wants more */
    void *context;
};

/* Decodes everything. */
enum decompress_fault disk_extract(struct decoding *decoding, bool finds_disk,
                                   const struct disk_sink *sink);

#endif
