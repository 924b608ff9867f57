/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the counters of all workers in the Prometheus text format, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "intake/buffer.h"
#include "intake/utf8.h"
#include "stats/metrics_priv.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* --- labels ---------------------------------------------------------------------------- */

/* Only the names of stores need escaping: all other labels are constants. utf8_clean() removes
 * control characters, so two of the format's three escapes are needed. */
static bool put_escaped(const char *text, struct buffer *out)
{
    struct buffer clean;
    buffer_init(&clean, 3 * strlen(text));
    bool fits = utf8_clean(text, &clean);
    for (const char *c = buffer_text(&clean); *c && fits; c++)
        fits = (!strchr("\\\"", *c) || buffer_append(out, "\\", 1)) && buffer_append(out, c, 1);
    buffer_free(&clean);
    return fits;
}

/* Writes the end of a row: the label `store`, and the number. */
static bool put_store(const char *store, uint64_t number, struct buffer *out)
{
    return buffer_print(out, "store=\"") && put_escaped(store, out) &&
           buffer_print(out, "\"} %" PRIu64 "\n", number);
}

/* --- the rows of the families ---------------------------------------------------------- */

typedef bool write_rows(const char *name, const struct metrics *total, struct buffer *out);

static bool put_uploads(const char *name, const struct metrics_store *store, const char *label,
                        struct buffer *out)
{
    bool fits = true;
    for (int i = VERDICT_STORED; i < METRICS_RESULT_COUNT && fits; i++)
        if (i != VERDICT_ACCEPTED)
            fits = buffer_print(out, "%s{result=\"%s\",", name,
                                record_verdict_name((enum record_verdict)i)) &&
                   put_store(label, value(&store->results[i]), out);
    return fits;
}

static bool uploads_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    bool fits = true;
    for (size_t i = 0; i < total->store_count && fits; i++)
        fits = put_uploads(name, &total->stores[i], total->stores[i].name, out);
    return fits && put_uploads(name, &total->other, "other", out);
}

/* Writes one counter of each store. `counter` is its offset in struct metrics_store. */
static bool store_rows(const char *name, const struct metrics *total, size_t counter,
                       struct buffer *out)
{
    bool fits = true;
    for (size_t i = 0; i <= total->store_count && fits; i++) {
        bool other = i == total->store_count;
        const struct metrics_store *store = other ? &total->other : &total->stores[i];
        const char *label = other ? "other" : store->name;
        fits = buffer_print(out, "%s{", name) &&
               put_store(label, value((const void *)((const char *)store + counter)), out);
    }
    return fits;
}

static bool upload_bytes_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return store_rows(name, total, offsetof(struct metrics_store, bytes), out);
}

static bool unchecked_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return store_rows(name, total, offsetof(struct metrics_store, unchecked), out);
}

static bool put_import(const char *name, const char *method, const _Atomic uint64_t *results,
                       struct buffer *out)
{
    bool fits = true;
    for (int i = VERDICT_ACCEPTED; i < METRICS_RESULT_COUNT && fits; i++)
        fits = buffer_print(out, "%s{method=\"%s\",result=\"%s\"} %" PRIu64 "\n", name, method,
                            record_verdict_name((enum record_verdict)i), value(&results[i]));
    return fits;
}

static bool imports_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    bool fits = true;
    for (size_t i = 0; i < METRICS_METHOD_COUNT && fits; i++)
        fits = put_import(name, METRICS_METHODS[i], total->imports[i], out);
    return fits;
}

static bool put_reasons(const char *name, const char *label, const _Atomic uint64_t *counters,
                        struct buffer *out)
{
    bool fits = true;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT && fits; i++)
        fits = buffer_print(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label,
                            refusal_row((enum refusal)i)->name, value(&counters[i]));
    return fits;
}

static bool refusals_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_reasons(name, "reason", total->refusals, out);
}

static bool warnings_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_reasons(name, "reason", total->warnings, out);
}

static bool put_fixes(const char *name, const char *label, const _Atomic uint64_t *counters,
                      struct buffer *out)
{
    bool fits = true;
    for (unsigned i = 0; i < METRICS_FIX_COUNT && fits; i++) {
        char fix[64];
        record_fixes_text(1U << i, fix);
        fits =
            buffer_print(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, fix, value(&counters[i]));
    }
    return fits;
}

static bool fixes_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_fixes(name, "fix", total->fixes, out);
}

static bool audited_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_fixes(name, "what", total->audited_fixes, out) &&
           put_reasons(name, "what", total->audited_reasons, out);
}

static bool bytes_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out,
                        "%s{direction=\"to_glance\"} %" PRIu64 "\n"
                        "%s{direction=\"from_glance\"} %" PRIu64 "\n",
                        name, value(&total->to_glance), name, value(&total->from_glance));
}

static bool requests_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    bool fits = true;
    for (unsigned i = 1; i < METRICS_CLASS_COUNT && fits; i++)
        fits = buffer_print(out, "%s{class=\"%uxx\"} %" PRIu64 "\n", name, i,
                            value(&total->classes[i]));
    return fits;
}

static bool duration_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    uint64_t count = 0;
    bool fits = true;
    for (size_t i = 0; i < METRICS_BUCKET_COUNT && fits; i++) {
        count += value(&total->durations[i]);
        fits = buffer_print(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, METRICS_BUCKETS[i],
                            count);
    }
    count += value(&total->durations[METRICS_BUCKET_COUNT]);
    return fits &&
           buffer_print(out,
                        "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.3f\n"
                        "%s_count %" PRIu64 "\n",
                        name, count, name, (double)value(&total->duration_ms) / 1000, name, count);
}

static bool gauge_row(const char *name, const struct metrics *total, enum metrics_gauge gauge,
                      struct buffer *out)
{
    return buffer_print(out, "%s %" PRId64 "\n", name, (int64_t)total->gauges[gauge]);
}

static bool uploads_in_flight_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_UPLOADS_IN_FLIGHT, out);
}

static bool requests_in_flight_row(const char *name, const struct metrics *total,
                                   struct buffer *out)
{
    return gauge_row(name, total, METRICS_REQUESTS_IN_FLIGHT, out);
}

static bool connections_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_CONNECTIONS, out);
}

static bool spool_bytes_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.spool_bytes);
}

static bool stores_missing_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.stores_missing);
}

static bool log_lines_lost_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.log_lines_lost);
}

static bool config_taken_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %d\n", name, total->common.config_taken);
}

static bool config_time_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %.3f\n", name, (double)total->common.config_taken_ms / 1000);
}

static bool verifications_rows(const char *name, const struct metrics *total, struct buffer *out)
{
    static const char *const results[VERIFIED_COUNT] = {
        [VERIFIED_DIGEST] = "digest",
        [VERIFIED_SIZE] = "size",
        [VERIFIED_NO] = "no",
        [VERIFIED_DIFFERENT] = "different",
    };
    bool fits = true;
    for (size_t i = 0; i < VERIFIED_COUNT; i++)
        fits = fits && buffer_print(out, "%s{result=\"%s\"} %" PRIu64 "\n", name, results[i],
                                    total->verifications[i]);
    return fits;
}

static bool stuck_images_row(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->stuck_images);
}

static bool build_info_row(const char *name, const struct metrics *total, struct buffer *out)
{
    (void)total;
    return buffer_print(out, "%s{version=\"%s\"} 1\n", name, INTAKE_VERSION);
}

/* --- the families ---------------------------------------------------------------------- */

static const struct family {
    const char *name;
    const char *type;
    const char *help;
    write_rows *write;
} FAMILIES[] = {
    {"glance_intake_build_info", "gauge", "Always 1; the label says which version runs.",
     build_info_row},
    {"glance_intake_uploads_total", "counter", "Uploads that ended, by result and store.",
     uploads_rows},
    {"glance_intake_upload_bytes_total", "counter",
     "Image bytes of ended uploads that Glance was sent, by store.", upload_bytes_rows},
    {"glance_intake_upload_duration_seconds", "histogram",
     "From the request head to Glance's answer, of uploads that were stored.", duration_rows},
    {"glance_intake_uploads_in_flight", "gauge", "Uploads whose data may flow right now.",
     uploads_in_flight_row},
    {"glance_intake_refusals_total", "counter",
     "Requests that this proxy itself refused or failed, by reason.", refusals_rows},
    {"glance_intake_warnings_total", "counter",
     "Uploads that failed a check and passed with a warning, by reason.", warnings_rows},
    {"glance_intake_fixes_total", "counter",
     "Ended uploads and imports in which something was fixed, by what.", fixes_rows},
    {"glance_intake_audited_total", "counter",
     "What would have been fixed or refused without audit mode, by what.", audited_rows},
    {"glance_intake_imports_total", "counter", "Imports that ended, by method and result.",
     imports_rows},
    {"glance_intake_verifications_total", "counter",
     "Stored uploads, by what was compared with what Glance reports.", verifications_rows},
    {"glance_intake_stuck_images_total", "counter",
     "Images that a failure of Glance left in saving.", stuck_images_row},
    {"glance_intake_requests_total", "counter", "Answered requests, by class of the status.",
     requests_rows},
    {"glance_intake_requests_in_flight", "gauge", "Requests that wait for their answer.",
     requests_in_flight_row},
    {"glance_intake_connections", "gauge", "Open connections of clients.", connections_row},
    {"glance_intake_bytes_total", "counter", "Body bytes passed on, by direction.", bytes_rows},
    {"glance_intake_spool_bytes", "gauge", "Bytes kept on disk until an upload's length is known.",
     spool_bytes_row},
    {"glance_intake_stores_missing", "gauge",
     "Stores that the policy names and Glance does not have.", stores_missing_row},
    {"glance_intake_store_checks_failed_total", "counter",
     "Uploads whose store was not checked for space, because its bucket could not be asked.",
     unchecked_rows},
    {"glance_intake_log_lines_lost_total", "counter",
     "Lines of the log that could not be written: its reader has stopped, or the disk is full.",
     log_lines_lost_row},
    {"glance_intake_config_last_reload_successful", "gauge",
     "Whether the configuration was taken the last time it was read.", config_taken_row},
    {"glance_intake_config_last_reload_success_timestamp_seconds", "gauge",
     "When the configuration was last taken.", config_time_row},
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
