/* SPDX-License-Identifier: Apache-2.0 */
/* The histograms: their bounds, and the counting. The bounds fit what is measured: images of 1 MiB
 * to 1 TiB that take up to the default of drain_timeout, and requests that take milliseconds. */
#include "intake/metrics.h"

#include "stats/metrics_priv.h"

#define KIB(n) ((n)*UINT64_C(1024))
#define MIB(n) KIB((n)*UINT64_C(1024))
#define GIB(n) MIB((n)*UINT64_C(1024))

/* clang-format off */
const struct metrics_bounds METRICS_BOUNDS[METRICS_HISTOGRAM_COUNT] = {
    [METRICS_UPLOAD_DURATION] = {1000, 15, {100, 500, 1000, 2500, 5000, 10000, 30000, 60000, 120000,
                                            300000, 600000, 1800000, 3600000, 7200000, 21600000}},
    [METRICS_UPLOAD_QUEUE] = {1000, 15, {100, 500, 1000, 2500, 5000, 10000, 30000, 60000, 120000,
                                         300000, 600000, 1800000, 3600000, 7200000, 21600000}},
    [METRICS_UPLOAD_SIZE] = {1, 11, {MIB(1), MIB(16), MIB(64), MIB(256), GIB(1), GIB(4), GIB(16),
                                     GIB(64), GIB(128), GIB(256), GIB(1024)}},
    [METRICS_REQUEST_DURATION] = {1000, 11, {5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30000,
                                             300000}},
    [METRICS_REQUEST_SIZE] = {1, 8, {256, KIB(1), KIB(4), KIB(16), KIB(64), KIB(256), MIB(1),
                                     MIB(16)}},
};
/* clang-format on */

void metrics_observe(struct metrics *metrics, enum metrics_histogram which, uint64_t value)
{
    const struct metrics_bounds *bounds = &METRICS_BOUNDS[which];
    struct histogram *histogram = &metrics->histograms[which];
    size_t bucket = 0;
    while (bucket < bounds->count && value > bounds->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}
