/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the counters of all workers in the Prometheus text format, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "admin/metrics_rows.h"
#include "intake/buffer.h"

#include <stddef.h>

/* --- the families ---------------------------------------------------------------------- */

static const struct family {
    const char *name;
    const char *type;
    const char *help;
    write_rows *write;
} FAMILIES[] = {
    {"glance_intake_build_info", "gauge", "Always 1; the label says which version runs.",
     rows_of_build_info},
    {"glance_intake_uploads_total", "counter", "Uploads that ended, by result and store.",
     rows_of_uploads},
    {"glance_intake_upload_bytes_total", "counter",
     "Image bytes of ended uploads that Glance was sent, by store.", rows_of_upload_bytes},
    {"glance_intake_upload_duration_seconds", "histogram",
     "From the request head to Glance's answer, of uploads that were stored.",
     rows_of_upload_duration},
    {"glance_intake_upload_size_bytes", "histogram", "Of uploads that were stored.",
     rows_of_upload_size},
    {"glance_intake_uploads_in_flight", "gauge",
     "Uploads under way: those that wait in the queue, and those whose data may flow.",
     rows_of_uploads_in_flight},
    {"glance_intake_uploads_queued", "gauge",
     "Uploads that wait for one of the max_uploads places at an endpoint.", rows_of_uploads_queued},
    {"glance_intake_limits_queued", "gauge",
     "Uploads that wait for their share, by limits of the policy.", rows_of_limits_queued},
    {"glance_intake_limits_slowed_seconds_total", "counter",
     "How long uploads were not read, by a rate in limits of the policy.", rows_of_limits_slowed},
    {"glance_intake_upload_queue_seconds", "histogram",
     "How long uploads have waited for a place or for their share, of those that had to wait.",
     rows_of_upload_queue},
    {"glance_intake_slow_uploads_total", "counter",
     "Uploads that came slower than slow_rate, and went to disk first.", rows_of_slow_uploads},
    {"glance_intake_upload_retries_total", "counter",
     "Uploads that were sent again from the disk, because Glance broke off.",
     rows_of_upload_retries},
    {"glance_intake_uploads_held", "gauge", "Uploads that wait for their client to come back.",
     rows_of_uploads_held},
    {"glance_intake_held_resumed_total", "counter",
     "How many times a client went on with its upload.", rows_of_held_resumed},
    {"glance_intake_held_dropped_total", "counter",
     "Uploads that could be resumed and were ended without their client.", rows_of_held_dropped},
    {"glance_intake_refusals_total", "counter",
     "Requests that this proxy itself refused or failed, by reason.", rows_of_refusals},
    {"glance_intake_warnings_total", "counter",
     "Uploads that failed a check and passed with a warning, by reason.", rows_of_warnings},
    {"glance_intake_fixes_total", "counter",
     "Ended uploads and imports in which something was fixed, by what.", rows_of_fixes},
    {"glance_intake_audited_total", "counter",
     "What would have been fixed or refused without audit mode, by what.", rows_of_audited},
    {"glance_intake_imports_total", "counter", "Imports that ended, by method and result.",
     rows_of_imports},
    {"glance_intake_verifications_total", "counter",
     "Stored uploads, by what was compared with what Glance reports.", rows_of_verifications},
    {"glance_intake_stuck_images_total", "counter",
     "Images that a failure of Glance left in saving.", rows_of_stuck_images},
    {"glance_intake_requests_total", "counter", "Answered requests, by class of the status.",
     rows_of_requests},
    {"glance_intake_request_duration_seconds", "histogram",
     "From the request head to the end of the answer, of requests that are no upload or import.",
     rows_of_request_duration},
    {"glance_intake_request_size_bytes", "histogram",
     "Body bytes of requests that have a body and are no upload.", rows_of_request_size},
    {"glance_intake_requests_in_flight", "gauge", "Requests that wait for their answer.",
     rows_of_requests_in_flight},
    {"glance_intake_connections", "gauge", "Open connections of clients.", rows_of_connections},
    {"glance_intake_bytes_total", "counter", "Body bytes passed on, by direction.", rows_of_bytes},
    {"glance_intake_hashing_seconds_total", "counter",
     "CPU time that was spent on the digests of uploads.", rows_of_hashing},
    {"glance_intake_spool_bytes", "gauge",
     "Bytes kept on disk, or reserved there, until an upload is complete.", rows_of_spool_bytes},
    {"glance_intake_stores_missing", "gauge",
     "Stores that the policy names and Glance does not have.", rows_of_stores_missing},
    {"glance_intake_store_checks_failed_total", "counter",
     "Uploads whose store was not checked for space, because its bucket could not be asked.",
     rows_of_unchecked},
    {"glance_intake_log_lines_lost_total", "counter",
     "Lines of the log that could not be written: its reader has stopped, or the disk is full.",
     rows_of_log_lines_lost},
    {"glance_intake_config_last_reload_successful", "gauge",
     "Whether the configuration was taken the last time it was read.", rows_of_config_taken},
    {"glance_intake_config_last_reload_success_timestamp_seconds", "gauge",
     "When the configuration was last taken.", rows_of_config_time},
    {"glance_intake_tls_certificate_expiry_timestamp_seconds", "gauge",
     "When the first certificate of the listener's chain expires.", rows_of_tls_expiry},
};

static bool put_family(const struct family *family, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                        family->name, family->type) &&
           family->write(family->name, total, out);
}

bool metrics_text(struct metrics *const *all, size_t count, const struct metrics_common *common,
                  struct buffer *out)
{
    struct metrics *total = metrics_new();
    if (!total)
        return false;
    for (size_t i = 0; i < count; i++)
        metrics_merge(total, all[i]);
    total->common = *common;
    bool fits = true;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES && fits; i++)
        fits = put_family(&FAMILIES[i], total, out);
    metrics_free(total);
    return fits;
}
