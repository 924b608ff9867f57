/* SPDX-License-Identifier: Apache-2.0 */
/* The counters themselves: metrics.c writes them, metrics_text.c reads. */
#ifndef STATS_METRICS_PRIV_H
#define STATS_METRICS_PRIV_H

#include "intake/metrics.h"
#include "intake/record.h"

#include <stdatomic.h>

enum {
    METRICS_STORES_MAX = 32,
    METRICS_STORE_NAME_MAX = 64, /* bytes; the policy has no longer ones */
    METRICS_GAUGE_COUNT = METRICS_UPLOADS_IN_FLIGHT + 1,
    METRICS_CLASS_COUNT = 6, /* 1xx to 5xx; class 0 is not used */
    METRICS_RESULT_COUNT = VERDICT_ABORTED + 1,
    METRICS_FIX_COUNT = 4, /* one per bit of enum record_fix */
    METRICS_BUCKET_COUNT = 10
};

/* Upper bounds in seconds; above the last one there is +Inf. */
extern const double METRICS_BUCKETS[METRICS_BUCKET_COUNT];

/* How an import came, and "other": Glance's import methods are plugins. */
enum { METRICS_METHOD_COUNT = 5 };
extern const char *const METRICS_METHODS[METRICS_METHOD_COUNT];

/* What came of comparing an upload with what Glance says it has stored. */
enum metrics_proof { PROOF_DIGEST, PROOF_SIZE, PROOF_NO, PROOF_DIFFERENT, PROOF_COUNT };

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
    _Atomic uint64_t warnings[REFUSAL_COUNT];
    _Atomic uint64_t fixes[METRICS_FIX_COUNT];
    _Atomic uint64_t audited_fixes[METRICS_FIX_COUNT];
    _Atomic uint64_t audited_reasons[REFUSAL_COUNT];
    _Atomic uint64_t imports[METRICS_METHOD_COUNT][METRICS_RESULT_COUNT];
    _Atomic uint64_t proofs[PROOF_COUNT];
    _Atomic uint64_t stuck; /* images left in `saving` by a failure of Glance's */
    _Atomic uint64_t to_glance;
    _Atomic uint64_t from_glance;
    _Atomic uint64_t durations[METRICS_BUCKET_COUNT + 1]; /* each in one bucket; not cumulated */
    _Atomic uint64_t duration_ms;                         /* the sum */
    _Atomic size_t store_count;
    struct metrics_store stores[METRICS_STORES_MAX]; /* a row is filled before it is counted */
    struct metrics_store other;
    struct metrics_common common; /* only in a total */
};

/* Adds one worker's counters to `total`, which is the caller's alone. */
void metrics_merge(struct metrics *total, const struct metrics *from);

#endif
