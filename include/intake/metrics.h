/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of one worker, written by it alone, summed when somebody reads them.
 *
 * Everything is a relaxed atomic: reading never makes a worker wait. */
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

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

void metrics_gauge_add(struct metrics *metrics, enum metrics_gauge gauge, int by);

/* Any answered request: method class is not kept, only the status class of the answer. */
void metrics_answered(struct metrics *metrics, unsigned status);

/* A refusal or failure of the proxy's own, upload or not. */
void metrics_refused(struct metrics *metrics, enum refusal reason);

/* An upload that a check objected to, and that passed because the check only warns. */
void metrics_warned(struct metrics *metrics, enum refusal reason);

/* Bytes from clients to Glance, and back. */
void metrics_bytes(struct metrics *metrics, uint64_t to_glance, uint64_t from_glance);

/* An upload to a store whose bucket could not be asked how much room it has. */
void metrics_store_unchecked(struct metrics *metrics, const char *store);

/* An upload that ended: by verdict and store, bytes, duration, fixes. At most 32 stores are told
 * apart per worker; any further one counts as "other". An import: by method and verdict, fixes. Of
 * all doors: what the policy only watched. */
void metrics_upload(struct metrics *metrics, const struct request_record *upload);

/* What the workers have together, at the moment of reading. */
struct metrics_common {
    uint64_t spool_bytes;
    uint64_t stores_missing; /* the policy names them, and Glance does not have them */
    uint64_t log_lines_lost;
    bool config_taken;        /* the last time it was read */
    uint64_t config_taken_ms; /* clock_wall_ms() of the last time it was taken */
};

/* Prometheus text (exposition format 0.0.4), all workers summed; false: no memory. */
bool metrics_text(struct metrics *const *all, size_t count, const struct metrics_common *common,
                  struct buffer *out);

#endif
