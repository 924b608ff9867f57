/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of a worker.
 *
 *   metrics.c                     counts, and adds up the counters of all workers
 *   histograms.c                  counts in histograms
 *   recent_refusals.c             counts refusals by the minute, for an hour
 *   proxy/admin/metrics_text.c    writes them as text
 *   proxy/admin/metrics_rows.c    writes the rows of each metric */
#ifndef STATS_METRICS_PRIV_H
#define STATS_METRICS_PRIV_H

#include "intake/metrics.h"
#include "intake/record.h"

#include <stdatomic.h>

enum {
    METRICS_STORES_MAX = 32,
    METRICS_STORE_NAME_MAX = 64, /* bytes; the policy allows no longer names */
    METRICS_GAUGE_COUNT = METRICS_UPLOADS_HELD + 1,
    METRICS_CLASS_COUNT = 6, /* 1xx to 5xx; class 0 is not used */
    METRICS_RESULT_COUNT = VERDICT_ABORTED + 1,
    METRICS_FIX_COUNT = 5, /* one per bit of enum record_fix */
    METRICS_HISTOGRAM_COUNT = METRICS_REQUEST_SIZE + 1,
    METRICS_BOUNDS_MAX = 15
};

/* The upper bounds of a histogram's buckets; above the last one there is +Inf. */
struct metrics_bounds {
    unsigned scale; /* so many of the unit that is counted are one of the unit that is shown */
    size_t count;
    uint64_t bounds[METRICS_BOUNDS_MAX];
};
extern const struct metrics_bounds METRICS_BOUNDS[METRICS_HISTOGRAM_COUNT];

struct histogram {
    _Atomic uint64_t buckets[METRICS_BOUNDS_MAX + 1]; /* each value is in one: not cumulative */
    _Atomic uint64_t sum;
};

/* The refusals of one minute. `number` counts minutes of clock_ms() from 1 on; 0: never used. */
struct refusal_minute {
    _Atomic uint64_t number;
    _Atomic uint32_t counts[REFUSAL_COUNT];
};

/* The import methods of Glance, and "other" for its plugins. */
enum { METRICS_METHOD_COUNT = 5 };
extern const char *const METRICS_METHODS[METRICS_METHOD_COUNT];

/* The result of comparing an upload with what Glance reports that it stored. */
enum metrics_verification {
    VERIFIED_DIGEST,
    VERIFIED_SIZE,
    VERIFIED_NO,
    VERIFIED_DIFFERENT,
    VERIFIED_COUNT
};

struct metrics_store {
    char name[METRICS_STORE_NAME_MAX + 1];
    _Atomic uint64_t results[METRICS_RESULT_COUNT];
    _Atomic uint64_t bytes;
    _Atomic uint64_t unchecked;
};

struct metrics {
    _Atomic int64_t gauges[METRICS_GAUGE_COUNT];
    _Atomic uint64_t classes[METRICS_CLASS_COUNT];
    _Atomic uint64_t refusals[REFUSAL_COUNT];
    struct refusal_minute minutes[METRICS_RECENT_MINUTES]; /* a ring, not part of a total */
    _Atomic uint64_t warnings[REFUSAL_COUNT];
    _Atomic uint64_t fixes[METRICS_FIX_COUNT];
    _Atomic uint64_t audited_fixes[METRICS_FIX_COUNT];
    _Atomic uint64_t audited_reasons[REFUSAL_COUNT];
    _Atomic uint64_t imports[METRICS_METHOD_COUNT][METRICS_RESULT_COUNT];
    _Atomic uint64_t verifications[VERIFIED_COUNT];
    _Atomic uint64_t held_resumed, held_dropped;
    _Atomic uint64_t stuck_images; /* images that a failure of Glance left in `saving` */
    _Atomic uint64_t to_glance;
    _Atomic uint64_t from_glance;
    _Atomic uint64_t slow_uploads;
    _Atomic uint64_t slowed_ms;
    struct histogram histograms[METRICS_HISTOGRAM_COUNT];
    _Atomic uint64_t resent_uploads;
    _Atomic size_t store_count;
    struct metrics_store
        stores[METRICS_STORES_MAX]; /* a row is written before store_count is increased */
    struct metrics_store other;     /* all stores without a row */
    struct metrics_common common;   /* set only in a total */
};

/* recent_refusals.c: counts a refusal in the current minute. */
void metrics_count_recent(struct metrics *metrics, enum refusal reason);

/* Adds the counters of one worker to `total`, which only the calling thread may use. */
void metrics_merge(struct metrics *total, const struct metrics *from);

#endif
