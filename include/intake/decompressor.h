/* SPDX-License-Identifier: Apache-2.0 */
/* Decompresses one image in a thread of a pool, between two bounded buffers:
 *
 *     decompressor_put() -> buffer -> thread: decode, take the disk out of a tar -> buffer
 *                                                                    -> decompressor_read()
 *
 * The loop's thread never waits. The pool is used by decompressors only: a job of it lasts as long
 * as its upload, and waits for the client's bytes. */
#ifndef INTAKE_DECOMPRESSOR_H
#define INTAKE_DECOMPRESSOR_H

#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct decompressor;
struct thread_pool;
struct loop;

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_XZ,
    COMPRESSION_ZSTD,
    COMPRESSION_BZIP2,
    COMPRESSIONS
};

/* Bytes that show which compression it is. The head of a zstd frame, which may have the length, is
 * not longer. The first decompressor_put() should have as many. */
enum { COMPRESSION_HEAD = 18 };

/* By the magic at the beginning of the data. */
enum compression compression_of(const void *bytes, size_t count);
const char *compression_name(enum compression compression); /* "gzip"; NONE: "" */

/* The bounds of each image. A zstd frame and an xz block name the memory that they need; xz -9
 * needs 65 MiB, and zstd at most 128 MiB without --long=28 or more. Empty space of a disk
 * compresses extremely well, but a whole disk does not: so a ratio counts only after the first
 * bytes. gzip cannot exceed 1032:1. */
#define DECOMPRESS_MEMORY_MAX  (UINT64_C(128) << 20)
#define DECOMPRESS_RATIO_MAX   UINT64_C(2000)
#define DECOMPRESS_RATIO_AFTER (UINT64_C(1) << 30)

enum decompress_fault {
    DECOMPRESS_GOOD,
    DECOMPRESS_TRUNCATED, /* the data ends in the middle */
    DECOMPRESS_DAMAGED,   /* malformed, or a checksum is wrong */
    DECOMPRESS_TRAILING,  /* something else follows it */
    DECOMPRESS_MEMORY,    /* it needs more than DECOMPRESS_MEMORY_MAX */
    DECOMPRESS_RATIO,     /* it becomes more than DECOMPRESS_RATIO_MAX times as large */
    DECOMPRESS_LENGTH,    /* more follows than its first frame announces */
    DECOMPRESS_NO_FILE,   /* a tar without a file */
    DECOMPRESS_FILES,     /* a tar with several files */
    DECOMPRESS_NO_MEMORY  /* malloc has failed */
};

/* `finds_disk`: if the decompressed data is a tar, its only file is the image. `threads` and `loop`
 * are borrowed. `wake` is called in the loop's thread, after a function below has told its caller
 * to wait. NULL: no memory. */
struct decompressor *decompressor_new(enum compression compression, bool finds_disk,
                                      struct thread_pool *threads, struct loop *loop,
                                      void (*wake)(void *context), void *context);

/* May be called in any state. The thread ends the job soon. NULL is fine. */
void decompressor_free(struct decompressor *decompressor);

/* How many compressed bytes may be put now. */
size_t decompressor_room(struct decompressor *decompressor);
void decompressor_put(struct decompressor *decompressor, const void *bytes, size_t count);
void decompressor_end(struct decompressor *decompressor); /* all were put */

/* True: the beginning was decompressed, or there is a fault. If that tells the image's length,
 * `length` has it, else UINT64_MAX. False: wait, or put more. */
bool decompressor_opened(struct decompressor *decompressor, uint64_t *length);

/* Returns the number of decompressed bytes, STREAM_END, STREAM_WAIT (put more if there is room), or
 * STREAM_REFUSED (there is a fault). STREAM_END comes only after all checksums were right. */
ssize_t decompressor_read(struct decompressor *decompressor, void *into, size_t room);
enum decompress_fault decompressor_fault(struct decompressor *decompressor);

#endif
