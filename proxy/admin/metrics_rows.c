/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of each metric, one function for each. */
#include "admin/metrics_rows.h"

#include "intake/buffer.h"
#include "intake/utf8.h"

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

bool rows_of_uploads(const char *name, const struct metrics *total, struct buffer *out)
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

bool rows_of_upload_bytes(const char *name, const struct metrics *total, struct buffer *out)
{
    return store_rows(name, total, offsetof(struct metrics_store, bytes), out);
}

bool rows_of_unchecked(const char *name, const struct metrics *total, struct buffer *out)
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

bool rows_of_imports(const char *name, const struct metrics *total, struct buffer *out)
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

bool rows_of_refusals(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_reasons(name, "reason", total->refusals, out);
}

bool rows_of_warnings(const char *name, const struct metrics *total, struct buffer *out)
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

bool rows_of_fixes(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_fixes(name, "fix", total->fixes, out);
}

bool rows_of_audited(const char *name, const struct metrics *total, struct buffer *out)
{
    return put_fixes(name, "what", total->audited_fixes, out) &&
           put_reasons(name, "what", total->audited_reasons, out);
}

bool rows_of_bytes(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out,
                        "%s{direction=\"to_glance\"} %" PRIu64 "\n"
                        "%s{direction=\"from_glance\"} %" PRIu64 "\n",
                        name, value(&total->to_glance), name, value(&total->from_glance));
}

bool rows_of_requests(const char *name, const struct metrics *total, struct buffer *out)
{
    bool fits = true;
    for (unsigned i = 1; i < METRICS_CLASS_COUNT && fits; i++)
        fits = buffer_print(out, "%s{class=\"%uxx\"} %" PRIu64 "\n", name, i,
                            value(&total->classes[i]));
    return fits;
}

static bool gauge_row(const char *name, const struct metrics *total, enum metrics_gauge gauge,
                      struct buffer *out)
{
    return buffer_print(out, "%s %" PRId64 "\n", name, (int64_t)total->gauges[gauge]);
}

bool rows_of_uploads_in_flight(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_UPLOADS_IN_FLIGHT, out);
}

bool rows_of_uploads_held(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_UPLOADS_HELD, out);
}

bool rows_of_uploads_queued(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.uploads_queued);
}

bool rows_of_limits_queued(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.uploads_waiting_for_share);
}

bool rows_of_limits_slowed(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %.3f\n", name, (double)value(&total->slowed_ms) / 1000);
}

bool rows_of_slow_uploads(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, value(&total->slow_uploads));
}

bool rows_of_upload_retries(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, value(&total->resent_uploads));
}

bool rows_of_requests_in_flight(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_REQUESTS_IN_FLIGHT, out);
}

bool rows_of_connections(const char *name, const struct metrics *total, struct buffer *out)
{
    return gauge_row(name, total, METRICS_CONNECTIONS, out);
}

bool rows_of_hashing(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %.6f\n", name, (double)total->common.hashing_ns / 1e9);
}

bool rows_of_spool_bytes(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.spool_bytes);
}

bool rows_of_stores_missing(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.stores_missing);
}

bool rows_of_log_lines_lost(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->common.log_lines_lost);
}

bool rows_of_config_taken(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %d\n", name, total->common.config_taken);
}

bool rows_of_config_time(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %.3f\n", name, (double)total->common.config_taken_ms / 1000);
}

bool rows_of_tls_expiry(const char *name, const struct metrics *total, struct buffer *out)
{
    int64_t expires = total->common.tls_expires;
    return !expires || buffer_print(out, "%s %" PRId64 "\n", name, expires);
}

bool rows_of_verifications(const char *name, const struct metrics *total, struct buffer *out)
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

bool rows_of_stuck_images(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->stuck_images);
}

bool rows_of_held_resumed(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->held_resumed);
}

bool rows_of_held_dropped(const char *name, const struct metrics *total, struct buffer *out)
{
    return buffer_print(out, "%s %" PRIu64 "\n", name, total->held_dropped);
}

bool rows_of_build_info(const char *name, const struct metrics *total, struct buffer *out)
{
    (void)total;
    return buffer_print(out, "%s{version=\"%s\"} 1\n", name, INTAKE_VERSION);
}
