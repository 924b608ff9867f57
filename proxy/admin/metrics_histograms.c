/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of the histograms. */
#include "admin/metrics_rows.h"

#include "intake/buffer.h"

#include <inttypes.h>

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Shows a value in the unit of the metric: all of its digits, since bounds are compared as text. */
static bool put_scaled(uint64_t number, unsigned scale, struct buffer *out)
{
    return buffer_print(out, "%.15g", (double)number / scale);
}

static bool histogram_rows(const char *name, const struct metrics *total,
                           enum metrics_histogram which, struct buffer *out)
{
    const struct metrics_bounds *bounds = &METRICS_BOUNDS[which];
    const struct histogram *histogram = &total->histograms[which];
    uint64_t count = 0;
    bool fits = true;
    for (size_t i = 0; i < bounds->count && fits; i++) {
        count += value(&histogram->buckets[i]);
        fits = buffer_print(out, "%s_bucket{le=\"", name) &&
               put_scaled(bounds->bounds[i], bounds->scale, out) &&
               buffer_print(out, "\"} %" PRIu64 "\n", count);
    }
    count += value(&histogram->buckets[bounds->count]);
    return fits &&
           buffer_print(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, count, name) &&
           put_scaled(value(&histogram->sum), bounds->scale, out) &&
           buffer_print(out, "\n%s_count %" PRIu64 "\n", name, count);
}

bool rows_of_upload_duration(const char *name, const struct metrics *total, struct buffer *out)
{
    return histogram_rows(name, total, METRICS_UPLOAD_DURATION, out);
}

bool rows_of_upload_queue(const char *name, const struct metrics *total, struct buffer *out)
{
    return histogram_rows(name, total, METRICS_UPLOAD_QUEUE, out);
}

bool rows_of_upload_size(const char *name, const struct metrics *total, struct buffer *out)
{
    return histogram_rows(name, total, METRICS_UPLOAD_SIZE, out);
}

bool rows_of_request_duration(const char *name, const struct metrics *total, struct buffer *out)
{
    return histogram_rows(name, total, METRICS_REQUEST_DURATION, out);
}

bool rows_of_request_size(const char *name, const struct metrics *total, struct buffer *out)
{
    return histogram_rows(name, total, METRICS_REQUEST_SIZE, out);
}
