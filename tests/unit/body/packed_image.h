/* SPDX-License-Identifier: Apache-2.0 */
/* One image and the ways to compress it. Include after <cmocka.h>. */
#ifndef BODY_PACKED_IMAGE_H
#define BODY_PACKED_IMAGE_H

#include "packed.h"

enum { IMAGE = 300 * 1024 + 17, SMALL = 2000 };

static char image[IMAGE];

/* Half of it does not compress. */
static inline int make_image(void **state)
{
    unsigned seed = 7;
    for (size_t i = 0; i < IMAGE; i++) {
        seed = seed * 1103515245U + 12345U;
        image[i] = (char)(i % 1024 < 512 ? seed >> 16 : 0);
    }
    return packed_begin(state);
}

struct way {
    const char *command;
    bool length;    /* it announces its length */
    bool parts;     /* several streams */
    size_t padding; /* bytes at its end that may be missing */
};

static const struct way WAYS[] = {
    {.command = "gzip -c $F"},
    {.command = "xz -0 -c $F"},
    {.command = "zstd -q -c $F", .length = true},
    {.command = "zstd -q -c < $F"},
    {.command = "bzip2 -c $F"},
    {.command = "{ head -c 1000 $F | gzip; tail -c +1001 $F | gzip; }", .parts = true},
    {.command = "{ head -c 1000 $F | xz -0; head -c 8 /dev/zero; tail -c +1001 $F | xz -0; }",
     .parts = true},
    {.command = "{ head -c 1000 $F | bzip2; tail -c +1001 $F | bzip2; }", .parts = true},
    {.command = "{ head -c 1000 $F | zstd -q; tail -c +1001 $F | zstd -q; }", .parts = true},
    {.command = "{ gzip -c $F; head -c 512 /dev/zero; }", .padding = 512},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d -cf - disk.raw | gzip; rm -r $F.d",
     .length = true},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d -cf - . | xz -0; rm -r $F.d",
     .length = true},
    {.command =
         "mkdir $F.d; cp --sparse=always $F $F.d/disk.raw; tar -C $F.d --format=oldgnu -Scf - "
         "disk.raw | zstd -q; rm -r $F.d",
     .length = true},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d --format=pax -cf - disk.raw | bzip2; "
                "rm -r $F.d",
     .length = true},
};
enum { WAY_COUNT = sizeof WAYS / sizeof *WAYS };

/* Streamed, so that it is read before its end is known; pump_check_piece() sees the last byte. */
static inline struct body_plan streamed_plan(struct feeder *feeder)
{
    struct body_plan plan = packed_plan(feeder);
    plan.spools_unknown_length = false;
    return plan;
}

#endif
