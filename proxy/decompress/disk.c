/* SPDX-License-Identifier: Apache-2.0 */
/* The image in the decompressed bytes: all of them, or the only file in a tar. Directories beside
 * it do not count. An OVA is a tar, too, and is the image as it is. libarchive also reads sparse
 * files, as they are in the tars of Google Compute Engine; their holes are filled with zeros here.
 */
#include "decompress/decompress_priv.h"
#include "intake/format.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum { CHUNK = 64 * 1024, TAR_BLOCK = 512, TAR_MAGIC = 257, AFTER_TAR_MAX = 1 << 20 };

struct extraction {
    struct decoding *decoding;
    const struct disk_sink *sink;
    unsigned char *chunk; /* CHUNK bytes */
    size_t count;         /* bytes in `chunk` that were not given yet */
    uint64_t put;         /* bytes given to the sink */
    bool stopped;         /* nobody wants more */
};

/* False: nobody wants more, or the bytes are too many. */
static bool put(struct extraction *extraction, const void *bytes, size_t count)
{
    extraction->put += count;
    if (!decoding_ratio_good(extraction->put, extraction->decoding->taken)) {
        extraction->decoding->fault = DECOMPRESS_RATIO;
        return false;
    }
    extraction->stopped = !extraction->sink->put(extraction->sink->context, bytes, count);
    return !extraction->stopped;
}

/* Fills the chunk at least up to `count` bytes. */
static bool read_opening(struct extraction *extraction, size_t count)
{
    ssize_t got = 1;
    while (extraction->count < count && got > 0) {
        got = decoding_read(extraction->decoding, extraction->chunk + extraction->count,
                            CHUNK - extraction->count);
        extraction->count += got > 0 ? (size_t)got : 0;
    }
    return got >= 0;
}

static bool is_tar(const struct extraction *extraction)
{
    return extraction->count >= TAR_BLOCK && memcmp(extraction->chunk + TAR_MAGIC, "ustar", 5) == 0;
}

/* The files that make it one may come after others. */
static bool is_ova(struct extraction *extraction)
{
    struct format_found found;
    return read_opening(extraction, CHUNK) &&
           format_find(extraction->chunk, extraction->count, FORMAT_LENGTH_UNKNOWN, &found) &&
           strcmp(found.container_format, "ova") == 0;
}

/* --- no tar -------------------------------------------------------------------------------- */

static void copy_all(struct extraction *extraction)
{
    ssize_t got = (ssize_t)extraction->count;
    extraction->sink->opened(extraction->sink->context, extraction->decoding->length);
    while (got > 0 && put(extraction, extraction->chunk, (size_t)got))
        got = decoding_read(extraction->decoding, extraction->chunk, CHUNK);
}

/* --- a tar --------------------------------------------------------------------------------- */

static la_ssize_t read_for_archive(struct archive *archive, void *context, const void **bytes)
{
    struct extraction *extraction = context;
    ssize_t got = (ssize_t)extraction->count;
    extraction->count = 0;
    if (got == 0)
        got = decoding_read(extraction->decoding, extraction->chunk, CHUNK);
    *bytes = extraction->chunk;
    if (got < 0)
        archive_set_error(archive, EIO, "the data cannot be decoded");
    return got < 0 ? ARCHIVE_FATAL : got;
}

static bool put_zeros(struct extraction *extraction, uint64_t count)
{
    static const char zeros[CHUNK];
    bool good = true;
    for (size_t now; good && count; count -= now) {
        now = (size_t)MIN(count, CHUNK);
        good = put(extraction, zeros, now);
    }
    return good;
}

/* A fault of the decoding is kept: it explains the archive's. */
static void fail(struct extraction *extraction, enum decompress_fault fault)
{
    if (!extraction->decoding->fault && !extraction->stopped)
        extraction->decoding->fault = fault;
}

static bool copy_file(struct extraction *extraction, struct archive *archive, uint64_t size)
{
    const void *bytes;
    size_t count;
    la_int64_t offset;
    int code;
    while ((code = archive_read_data_block(archive, &bytes, &count, &offset)) == ARCHIVE_OK) {
        if ((uint64_t)offset < extraction->put || (uint64_t)offset > size ||
            count > size - (uint64_t)offset) {
            fail(extraction, DECOMPRESS_DAMAGED);
            return false;
        }
        if (!put_zeros(extraction, (uint64_t)offset - extraction->put) ||
            (count && !put(extraction, bytes, count)))
            return false;
    }
    if (code != ARCHIVE_EOF)
        fail(extraction, DECOMPRESS_TRUNCATED);
    return code == ARCHIVE_EOF && put_zeros(extraction, size - extraction->put);
}

/* The file of an entry: 1. Nothing that counts: 0. Neither: -1. */
static int look_at(struct archive_entry *entry)
{
    unsigned type = archive_entry_filetype(entry);
    if (type == AE_IFDIR)
        return 0;
    return type == AE_IFREG && !archive_entry_hardlink(entry) && archive_entry_size_is_set(entry) &&
                   archive_entry_size(entry) >= 0
               ? 1
               : -1;
}

static void copy_only_file(struct extraction *extraction, struct archive *archive)
{
    struct archive_entry *entry;
    bool found = false;
    int code;
    while ((code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
           code == ARCHIVE_WARN) {
        int kind = look_at(entry);
        if (kind < 0 || (kind && found)) {
            fail(extraction, DECOMPRESS_FILES);
            return;
        }
        if (kind == 0)
            continue;
        found = true;
        uint64_t size = (uint64_t)archive_entry_size(entry);
        extraction->sink->opened(extraction->sink->context, size);
        if (!copy_file(extraction, archive, size))
            return;
    }
    if (code != ARCHIVE_EOF)
        fail(extraction, DECOMPRESS_DAMAGED);
    else if (!found)
        fail(extraction, DECOMPRESS_NO_FILE);
}

/* The checksums are at the end of the compressed data. */
static void read_rest(struct extraction *extraction)
{
    struct decoding *decoding = extraction->decoding;
    uint64_t most = decoding->given + AFTER_TAR_MAX;
    while (!decoding->fault && !extraction->stopped) {
        ssize_t got = decoding_read(decoding, extraction->chunk, CHUNK);
        if (got <= 0)
            return;
        if (decoding->given > most)
            fail(extraction, DECOMPRESS_TRAILING);
    }
}

static void copy_from_tar(struct extraction *extraction)
{
    struct archive *archive = archive_read_new();
    if (archive && archive_read_support_format_tar(archive) == ARCHIVE_OK &&
        archive_read_open(archive, extraction, NULL, read_for_archive, NULL) == ARCHIVE_OK) {
        copy_only_file(extraction, archive);
        read_rest(extraction);
    } else {
        fail(extraction, archive ? DECOMPRESS_DAMAGED : DECOMPRESS_NO_MEMORY);
    }
    archive_read_free(archive);
}

enum decompress_fault disk_extract(struct decoding *decoding, bool finds_disk,
                                   const struct disk_sink *sink)
{
    struct extraction extraction = {.decoding = decoding, .sink = sink, .chunk = malloc(CHUNK)};
    if (!extraction.chunk)
        return DECOMPRESS_NO_MEMORY;
    if (read_opening(&extraction, TAR_BLOCK) && finds_disk && is_tar(&extraction) &&
        !is_ova(&extraction))
        copy_from_tar(&extraction);
    else if (!decoding->fault)
        copy_all(&extraction);
    free(extraction.chunk);
    return decoding->fault;
}
