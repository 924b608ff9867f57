/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of one worker. Only that worker writes them; a reader sums up those of all workers.
 *
 * All counters are relaxed atomics, so a reader never blocks a worker. */
#ifndef INTAKE_METRICS_H
#define INTAKE_METRICS_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct metrics;
struct request_record;

enum metrics_gauge { METRICS_CONNECTIONS, METRICS_REQUESTS_IN_FLIGHT, METRICS_UPLOADS_IN_FLIGHT };

/* NULL: no memory. Owned by the caller. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

void metrics_gauge_add(struct metrics *metrics, enum metrics_gauge gauge, int by);

/* Counts an answered request by the class of its status (2xx, 4xx, ...). */
void metrics_answered(struct metrics *metrics, unsigned status);

/* Counts a request, upload or not, that the proxy itself refused or failed. */
void metrics_refused(struct metrics *metrics, enum refusal reason);

/* Counts an upload that failed a check and passed because the check only warns. */
void metrics_warned(struct metrics *metrics, enum refusal reason);

/* Counts body bytes from clients to Glance, and back. */
void metrics_bytes(struct metrics *metrics, uint64_t to_glance, uint64_t from_glance);

/* Counts an upload to a store whose bucket could not be asked for its capacity. */
void metrics_store_unchecked(struct metrics *metrics, const char *store);

/* Counts an ended record. Uploads: by verdict and store, bytes, duration, fixes. Each worker has at
 * most 32 stores; further ones count as "other". Imports: by method and verdict, fixes. Records of
 * all kinds: what audit mode noted. */
void metrics_upload(struct metrics *metrics, const struct request_record *record);

/* Values that all workers share, at the time of reading. */
struct metrics_common {
    uint64_t spool_bytes;
    uint64_t stores_missing; /* stores that the policy names and Glance does not have */
    uint64_t log_lines_lost;
    bool config_taken;        /* the last reading of the configuration was successful */
    uint64_t config_taken_ms; /* clock_wall_ms() of the last successful one */
};

/* Appends the Prometheus text (exposition format 0.0.4), summed over all workers. False: no
 * memory. */
bool metrics_text(struct metrics *const *all, size_t count, const struct metrics_common *common,
                  struct buffer *out);

#endif
