/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of a worker. A write is one relaxed atomic addition; metrics_text.c reads them. */
#include "intake/metrics.h"

#include "stats/metrics_priv.h"

#include <stdlib.h>
#include <string.h>

const char *const METRICS_METHODS[METRICS_METHOD_COUNT] = {
    "glance-direct", "web-download", "glance-download", "copy-image", "other"};

struct metrics *metrics_new(void)
{
    return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

static void add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void metrics_gauge_add(struct metrics *metrics, enum metrics_gauge gauge, int by)
{
    atomic_fetch_add_explicit(&metrics->gauges[gauge], by, memory_order_relaxed);
}

void metrics_answered(struct metrics *metrics, unsigned status)
{
    unsigned class = status / 100;
    if (class < METRICS_CLASS_COUNT)
        add(&metrics->classes[class], 1);
}

void metrics_refused(struct metrics *metrics, enum refusal reason)
{
    add(&metrics->refusals[reason], 1);
    metrics_count_recent(metrics, reason);
}

void metrics_warned(struct metrics *metrics, enum refusal reason)
{
    add(&metrics->warnings[reason], 1);
}

void metrics_bytes(struct metrics *metrics, uint64_t to_glance, uint64_t from_glance)
{
    add(&metrics->to_glance, to_glance);
    add(&metrics->from_glance, from_glance);
}

void metrics_slow(struct metrics *metrics)
{
    add(&metrics->slow_uploads, 1);
}

void metrics_slowed(struct metrics *metrics, uint64_t ms)
{
    add(&metrics->slowed_ms, ms);
}

void metrics_resent(struct metrics *metrics)
{
    add(&metrics->resent_uploads, 1);
}

/* --- uploads and imports --------------------------------------------------------------- */

static struct metrics_store *find_store(struct metrics *metrics, const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(metrics->stores[i].name, name))
            return &metrics->stores[i];
    return NULL;
}

/* Returns the row of a store. Adds one if it is new and there are fewer than `max_rows`, else
 * returns the row "other". */
static struct metrics_store *store_row(struct metrics *metrics, const char *name, size_t max_rows)
{
    size_t count = atomic_load_explicit(&metrics->store_count, memory_order_relaxed);
    struct metrics_store *row = find_store(metrics, name, count);
    if (row)
        return row;
    if (count >= max_rows || strlen(name) >= sizeof row->name)
        return &metrics->other;
    row = &metrics->stores[count];
    memcpy(row->name, name, strlen(name) + 1);
    /* release: a reader that sees the count also sees the name. */
    atomic_store_explicit(&metrics->store_count, count + 1, memory_order_release);
    return row;
}

static void observe_verification(struct metrics *metrics, const struct request_record *record)
{
    if (record->reason == REFUSAL_VERIFY_FAILED)
        add(&metrics->verifications[VERIFIED_DIFFERENT], 1);
    else if (strcmp(record->verified, "no") == 0)
        add(&metrics->verifications[VERIFIED_NO], 1);
    else if (record->verified[0])
        add(&metrics->verifications[strcmp(record->verified, "size") ? VERIFIED_DIGEST
                                                                     : VERIFIED_SIZE],
            1);
    if (strcmp(record->image_after, "saving") == 0)
        add(&metrics->stuck_images, 1);
}

static void count_upload(struct metrics *metrics, const struct request_record *record)
{
    /* A store's name comes from the client until Glance has accepted it. Names of failed uploads
     * get at most half of the rows, so that clients cannot displace the real stores with invented
     * names. */
    bool stored = record->verdict == VERDICT_STORED;
    size_t max_rows = stored ? METRICS_STORES_MAX : METRICS_STORES_MAX / 2;
    struct metrics_store *store =
        store_row(metrics, record->store ? record->store : "none", max_rows);
    add(&store->results[record->verdict], 1);
    add(&store->bytes, record->bytes);
    observe_verification(metrics, record);
    if (!stored)
        return;
    metrics_observe(metrics, METRICS_UPLOAD_DURATION, (uint64_t)(record->seconds * 1000 + 0.5));
    metrics_observe(metrics, METRICS_UPLOAD_SIZE, record->bytes);
}

/* The method comes from the client, too, so unknown ones count as "other". */
static void count_import(struct metrics *metrics, const struct request_record *record)
{
    size_t method = 0;
    while (method < METRICS_METHOD_COUNT - 1 &&
           !(record->method && strcmp(record->method, METRICS_METHODS[method]) == 0))
        method++;
    add(&metrics->imports[method][record->verdict], 1);
}

static void count_changes(struct metrics *metrics, const struct request_record *record)
{
    for (unsigned i = 0; i < METRICS_FIX_COUNT; i++) {
        add(&metrics->fixes[i], record->fixes >> i & 1);
        add(&metrics->audited_fixes[i], record->audit_fixes >> i & 1);
    }
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        add(&metrics->audited_reasons[i], record->audit_reasons >> i & 1);
}

void metrics_upload(struct metrics *metrics, const struct request_record *record)
{
    if (record->kind == RECORD_FILE || record->kind == RECORD_STAGE)
        count_upload(metrics, record);
    else if (record->kind == RECORD_IMPORT)
        count_import(metrics, record);
    count_changes(metrics, record);
}

void metrics_store_unchecked(struct metrics *metrics, const char *store)
{
    add(&store_row(metrics, store, METRICS_STORES_MAX)->unchecked, 1);
}

void metrics_held_resumed(struct metrics *metrics)
{
    add(&metrics->held_resumed, 1);
}

void metrics_held_dropped(struct metrics *metrics)
{
    add(&metrics->held_dropped, 1);
}

/* --- summing up ------------------------------------------------------------------------ */

static void merge(_Atomic uint64_t *total, const _Atomic uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(&total[i], atomic_load_explicit(&from[i], memory_order_relaxed));
}

static void merge_store(struct metrics_store *total, const struct metrics_store *from)
{
    merge(total->results, from->results, METRICS_RESULT_COUNT);
    merge(&total->bytes, &from->bytes, 1);
    merge(&total->unchecked, &from->unchecked, 1);
}

/* Each worker may have other invented names. In the total, too, they get half of the rows. */
static size_t rows_for(const struct metrics_store *store)
{
    bool real = atomic_load_explicit(&store->results[VERDICT_STORED], memory_order_relaxed) ||
                atomic_load_explicit(&store->unchecked, memory_order_relaxed);
    return real ? METRICS_STORES_MAX : METRICS_STORES_MAX / 2;
}

void metrics_merge(struct metrics *total, const struct metrics *from)
{
    for (size_t i = 0; i < METRICS_GAUGE_COUNT; i++)
        total->gauges[i] += atomic_load_explicit(&from->gauges[i], memory_order_relaxed);
    merge(total->classes, from->classes, METRICS_CLASS_COUNT);
    merge(total->refusals, from->refusals, REFUSAL_COUNT);
    merge(total->warnings, from->warnings, REFUSAL_COUNT);
    merge(total->fixes, from->fixes, METRICS_FIX_COUNT);
    merge(total->audited_fixes, from->audited_fixes, METRICS_FIX_COUNT);
    merge(total->audited_reasons, from->audited_reasons, REFUSAL_COUNT);
    for (size_t i = 0; i < METRICS_METHOD_COUNT; i++)
        merge(total->imports[i], from->imports[i], METRICS_RESULT_COUNT);
    merge(total->verifications, from->verifications, VERIFIED_COUNT);
    merge(&total->stuck_images, &from->stuck_images, 1);
    merge(&total->held_resumed, &from->held_resumed, 1);
    merge(&total->held_dropped, &from->held_dropped, 1);
    merge(&total->to_glance, &from->to_glance, 1);
    merge(&total->from_glance, &from->from_glance, 1);
    merge(&total->slow_uploads, &from->slow_uploads, 1);
    merge(&total->slowed_ms, &from->slowed_ms, 1);
    for (size_t i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        merge(total->histograms[i].buckets, from->histograms[i].buckets, METRICS_BOUNDS_MAX + 1);
        merge(&total->histograms[i].sum, &from->histograms[i].sum, 1);
    }
    merge(&total->resent_uploads, &from->resent_uploads, 1);
    size_t stores = atomic_load_explicit(&from->store_count, memory_order_acquire);
    for (size_t i = 0; i < stores; i++)
        merge_store(store_row(total, from->stores[i].name, rows_for(&from->stores[i])),
                    &from->stores[i]);
    merge_store(&total->other, &from->other);
}
