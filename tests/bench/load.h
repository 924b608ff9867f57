/* SPDX-License-Identifier: Apache-2.0 */
/* What the load generator can do. Each function does it and prints one line of JSON. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "stream.h"
#include "wire.h"

struct load {
    struct target target;
    unsigned count;       /* transfers at once, or connections to hold */
    uint64_t size;        /* bytes of each image */
    uint64_t rate;        /* bytes per second and upload; 0: as fast as it goes */
    uint32_t serial;      /* of the images: no two runs may have the same */
    bool form;            /* the image is a file in a form, as curl -F sends it */
    const char *verified; /* the X-Intake-Verified that an upload must get; NULL: any */
};

/* {"bytes": of all images, "seconds": until the last has ended} */
void load_upload(const struct load *load);
void load_download(const struct load *load);

/* Prints {"held": connections} when all are there, keeps them until standard input ends, then
 * prints how many of them the server still keeps, too. */
void load_idle(const struct load *load);  /* each has had one answer */
void load_stall(const struct load *load); /* each has sent 1 MiB of an image, and sends no more */

/* A small request every two milliseconds on one connection, until standard input ends:
 * {"requests": N, "p50": seconds, "p99": seconds, "longest": seconds} */
void load_ping(const struct load *load);

#endif
