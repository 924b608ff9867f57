/* SPDX-License-Identifier: Apache-2.0 */
/* What a project may still upload, as Glance's GET /v2/info/usage tells it (unified limits). */
#ifndef INTAKE_USAGE_H
#define INTAKE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USAGE_WORDS = 256 };

struct usage_limit {
    bool known;    /* false: no such limit, nothing to check */
    int64_t limit; /* below 0: none */
    int64_t used;
};

struct usage {
    struct usage_limit image_size_total;  /* MiB */
    struct usage_limit image_stage_total; /* MiB */
    struct usage_limit image_count_uploading;
};

/* False: not what Glance answers; `usage` is then as if nothing were limited. */
bool usage_parse(const char *json, size_t length, struct usage *usage);

/* The limit that an upload counts against. `stage`: into the staging area. */
const struct usage_limit *usage_limit_of(const struct usage *usage, bool stage);

/* Bytes that are left of it; UINT64_MAX: there is no such limit. */
uint64_t usage_left(const struct usage_limit *limit);

/* Whether an upload of `size` bytes (0: not known) fits beside `reserved` bytes of others. Glance
 * itself checks with nothing counted in, and lets one upload overshoot. False: `why` has limit,
 * usage, what is reserved and need as a clause. */
bool usage_allows(const struct usage *usage, bool stage, uint64_t reserved, uint64_t size,
                  char why[USAGE_WORDS]);

#endif
