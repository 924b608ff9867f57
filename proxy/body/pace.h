/* SPDX-License-Identifier: Apache-2.0 */
/* Judges how fast an upload comes, by its opening seconds. For spool_filter.c. */
#ifndef BODY_PACE_H
#define BODY_PACE_H

#include "intake/body.h"

#include <stdint.h>

enum pace { PACE_UNDECIDED, PACE_FAST, PACE_SLOW };

enum {
    PACE_MIN_MS = 1000, /* an upload is fast if it brings this much time's bytes at once */
    PACE_MAX_MS = BODY_PACE_MS
};

/* `bytes` have come in `ms` since the first byte; `rate` is in bytes per second, at most 1 TiB. An
 * upload is fast as soon as it has kept the rate for a second or more, so that TCP may start
 * slowly; and at once when it has brought the bytes of a second. */
enum pace pace_judge(uint64_t bytes, uint64_t ms, uint64_t rate);

/* At most so many bytes have come while it is undecided. */
uint64_t pace_bytes_max(uint64_t rate);

#endif
