/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of each metric, in the Prometheus text format. */
#ifndef ADMIN_METRICS_ROWS_H
#define ADMIN_METRICS_ROWS_H

#include "stats/metrics_priv.h"

struct buffer;

/* `name` is the metric's; `total` has the sums of all workers. False: no memory, or `out` is
 * full. */
typedef bool write_rows(const char *name, const struct metrics *total, struct buffer *out);

write_rows rows_of_uploads;
write_rows rows_of_upload_bytes;
write_rows rows_of_unchecked;
write_rows rows_of_imports;
write_rows rows_of_refusals;
write_rows rows_of_warnings;
write_rows rows_of_fixes;
write_rows rows_of_audited;
write_rows rows_of_bytes;
write_rows rows_of_requests;
write_rows rows_of_upload_duration;
write_rows rows_of_upload_queue;
write_rows rows_of_upload_size;
write_rows rows_of_request_duration;
write_rows rows_of_request_size;
write_rows rows_of_uploads_in_flight;
write_rows rows_of_uploads_held;
write_rows rows_of_held_resumed;
write_rows rows_of_held_dropped;
write_rows rows_of_uploads_queued;
write_rows rows_of_limits_queued;
write_rows rows_of_limits_slowed;
write_rows rows_of_slow_uploads;
write_rows rows_of_upload_retries;
write_rows rows_of_requests_in_flight;
write_rows rows_of_connections;
write_rows rows_of_spool_bytes;
write_rows rows_of_hashing;
write_rows rows_of_stores_missing;
write_rows rows_of_log_lines_lost;
write_rows rows_of_config_taken;
write_rows rows_of_config_time;
write_rows rows_of_tls_expiry;
write_rows rows_of_verifications;
write_rows rows_of_stuck_images;
write_rows rows_of_build_info;

#endif
