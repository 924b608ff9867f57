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

enum metrics_gauge {
    METRICS_CONNECTIONS,
    METRICS_REQUESTS_IN_FLIGHT,
    METRICS_UPLOADS_IN_FLIGHT,
    METRICS_UPLOADS_HELD
};

/* NULL: no memory. Owned by the caller. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

void metrics_gauge_add(struct metrics *metrics, enum metrics_gauge gauge, int by);

/* Counts an answered request by the class of its status (2xx, 4xx, ...). */
void metrics_answered(struct metrics *metrics, unsigned status);

/* What has a histogram. Durations are in milliseconds, sizes in bytes. */
enum metrics_histogram {
    METRICS_UPLOAD_DURATION, /* of stored uploads */
    METRICS_UPLOAD_QUEUE,    /* waits for a place or for a share, however they ended */
    METRICS_UPLOAD_SIZE,
    METRICS_REQUEST_DURATION, /* of other requests, to the end of the answer */
    METRICS_REQUEST_SIZE      /* their bodies, if they have one */
};

void metrics_observe(struct metrics *metrics, enum metrics_histogram which, uint64_t value);

/* Counts a request, upload or not, that the proxy itself refused or failed. */
void metrics_refused(struct metrics *metrics, enum refusal reason);

/* The refusals that metrics_refused() has counted in the last hour, of all workers, by reason and
 * minute. The last minute is the current one. In the moment in which a minute begins, the counts of
 * the oldest may be wrong. Thread-safe. */
enum { METRICS_RECENT_MINUTES = 60 };
struct recent_refusals {
    uint32_t counts[REFUSAL_COUNT][METRICS_RECENT_MINUTES];
};
void metrics_recent_refusals(struct metrics *const *all, size_t count, struct recent_refusals *out);

/* Counts an upload that failed a check and passed because the check only warns. */
void metrics_warned(struct metrics *metrics, enum refusal reason);

/* Counts body bytes from clients to Glance, and back. */
void metrics_bytes(struct metrics *metrics, uint64_t to_glance, uint64_t from_glance);

/* Counts an upload that was held, when a client goes on with it, and when it ends without one. */
void metrics_held_resumed(struct metrics *metrics);
void metrics_held_dropped(struct metrics *metrics);

/* Counts an upload that came slowly, and went to disk first. */
void metrics_slow(struct metrics *metrics);

/* Counts milliseconds that an upload is not read, because of its project's rate. */
void metrics_slowed(struct metrics *metrics, uint64_t ms);

/* Counts an upload that was sent again after Glance broke off. */
void metrics_resent(struct metrics *metrics);

/* Counts an upload to a store whose bucket could not be asked for its capacity. */
void metrics_store_unchecked(struct metrics *metrics, const char *store);

/* Counts an ended record. Uploads: by verdict and store, bytes, duration, fixes. Each worker has at
 * most 32 stores; further ones count as "other". Imports: by method and verdict, fixes. Records of
 * all kinds: what audit mode noted. */
void metrics_upload(struct metrics *metrics, const struct request_record *record);

/* Values that all workers share, at the time of reading. */
struct metrics_common {
    uint64_t spool_bytes;
    uint64_t hashing_ns;                /* CPU time */
    uint64_t uploads_queued;            /* that wait for a place at an endpoint, */
    uint64_t uploads_waiting_for_share; /* and for their share */
    uint64_t stores_missing;            /* stores that the policy names and Glance does not have */
    uint64_t log_lines_lost;
    bool config_taken;        /* the last reading of the configuration was successful */
    uint64_t config_taken_ms; /* clock_wall_ms() of the last successful one */
    int64_t tls_expires;      /* seconds since 1970, of the listener's certificate; 0: no TLS */
};

/* Appends the Prometheus text (exposition format 0.0.4), summed over all workers. False: no
 * memory. */
bool metrics_text(struct metrics *const *all, size_t count, const struct metrics_common *common,
                  struct buffer *out);

#endif
