/* SPDX-License-Identifier: Apache-2.0 */
/* Reads how much a project may still upload, from Glance's GET /v2/info/usage (unified limits). */
#ifndef INTAKE_USAGE_H
#define INTAKE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USAGE_WORDS = 256 };

struct usage_limit {
    bool known;    /* false: Glance has no such limit */
    int64_t limit; /* negative: unlimited */
    int64_t used;
};

struct usage {
    struct usage_limit image_size_total;  /* MiB */
    struct usage_limit image_stage_total; /* MiB */
    struct usage_limit image_count_uploading;
};

/* False: it is not such an answer; then `usage` has no limits. */
bool usage_parse(const char *json, size_t length, struct usage *usage);

/* The limit that an upload counts against. `stage`: into the staging area. */
const struct usage_limit *usage_limit_of(const struct usage *usage, bool stage);

/* The bytes that are left of the limit. UINT64_MAX: there is no such limit. */
uint64_t usage_left(const struct usage_limit *limit);

/* Whether nothing limits an upload: neither its size nor the number of uploads. */
bool usage_is_unlimited(const struct usage *usage, bool stage);

/* Whether an upload of `size` bytes (0: not known) fits, together with `reserved` bytes of other
 * uploads. Glance itself counts neither of them, so one upload can exceed the limit there. False:
 * `why` is a clause with limit, usage, reserved bytes and needed size. */
bool usage_allows(const struct usage *usage, bool stage, uint64_t reserved, uint64_t size,
                  char why[USAGE_WORDS]);

#endif
