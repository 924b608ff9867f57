/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed data, after a byte that is the size of its pieces. Whole or in pieces, it must give
 * the same image, or a fault. A fault may be found earlier in one of them, so its kind may differ.
 */
#include "input.h"

#include "decompress/decompress_priv.h"

#include <string.h>
#include <sys/param.h>

enum { IMAGE_MAX = 1 << 20 }; /* bytes that are wanted */

struct source {
    const unsigned char *bytes;
    size_t count, piece;
    bool begun;
};

/* The decompressor has the first bytes at once. */
static ssize_t pull(void *context, const unsigned char **bytes)
{
    struct source *source = context;
    size_t count =
        MIN(source->begun ? source->piece : MAX(source->piece, COMPRESSION_HEAD), source->count);
    source->begun = true;
    *bytes = source->bytes;
    source->bytes += count;
    source->count -= count;
    return (ssize_t)count;
}

struct outcome {
    enum decompress_fault fault;
    unsigned opened;
    uint64_t length, count, sum;
    bool stopped;
};

static void opened(void *context, uint64_t length)
{
    struct outcome *out = context;
    out->opened++;
    out->length = length;
}

static bool put(void *context, const void *bytes, size_t count)
{
    struct outcome *out = context;
    property(out->opened == 1);
    for (size_t i = 0; i < count; i++)
        out->sum = out->sum * 31 + ((const unsigned char *)bytes)[i];
    out->count += count;
    out->stopped = out->count > IMAGE_MAX;
    return !out->stopped;
}

static struct outcome run(struct source source, bool finds_disk)
{
    struct outcome out = {.length = 0};
    enum compression compression = compression_of(source.bytes, source.count);
    struct decoding decoding = {
        .kind = decoder_of(compression), .pull = pull, .context = &source, .length = UINT64_MAX};
    const struct disk_sink sink = {opened, put, &out};
    out.fault = disk_extract(&decoding, finds_disk, &sink);
    decoding_free(&decoding);
    return out;
}

static void check(const struct outcome *whole, const struct outcome *pieces)
{
    if (whole->stopped || pieces->stopped)
        return;
    property(!whole->fault == !pieces->fault);
    if (whole->fault)
        return;
    property(whole->opened == 1 && whole->count == pieces->count && whole->sum == pieces->sum);
    property(whole->length == pieces->length);
    property(whole->length == UINT64_MAX || whole->length == whole->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || compression_of(data + 1, size - 1) == COMPRESSION_NONE)
        return 0;
    const struct source whole = {data + 1, size - 1, size, false};
    const struct source pieces = {data + 1, size - 1, 1 + data[0], false};
    for (int finds_disk = 0; finds_disk < 2; finds_disk++) {
        struct outcome first = run(whole, finds_disk), second = run(pieces, finds_disk);
        check(&first, &second);
    }
    return 0;
}
