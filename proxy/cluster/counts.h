/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy tells its peers of what it has in flight, as JSON:
 *
 *     {"process": "3f..", "ended": 7, "stored": 1048576,
 *      "stores": {"test": [1024, 0]}, "quotas": {"0 10240 PROJECT": [0, 512]}}
 *
 * The pairs are firm and provisional bytes. `ended` and `stored` only grow while it is the same
 * process. */
#ifndef CLUSTER_COUNTS_H
#define CLUSTER_COUNTS_H

#include "intake/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { PROCESS_ID_MAX = 32, COUNTS_MAX = 4 << 20 /* bytes of JSON */ };

struct counts {
    char process[PROCESS_ID_MAX + 1];
    uint64_t ended;  /* reservations in stores, so far */
    uint64_t stored; /* bytes, so far */
    struct tally *stores, *quotas;
};

/* With two empty tallies. False: no memory. Owned by the caller in either case: counts_free(). */
bool counts_begin(struct counts *counts);
void counts_free(struct counts *counts); /* may be repeated */

bool counts_write(const struct counts *counts, struct buffer *out);

/* Fills counts that have begun. False: the text is not of that form, or there is no memory. */
bool counts_read(const char *text, size_t size, struct counts *out);

#endif
