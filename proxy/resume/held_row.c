/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the list of uploads that can be resumed. Those of dormant uploads have a record in a
 * registry of their own, so that all pages show them. */
#include "intake/clock.h"
#include "intake/kept_files.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/spool.h"
#include "resume/held_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

void held_row_free(struct held_upload *upload)
{
    free(upload->image);
    free(upload->store);
    free(upload->project);
    free(upload);
}

struct held_upload *held_row_new(struct held_uploads *uploads, const char *image, const char *store,
                                 const char *project)
{
    struct held_upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return NULL;
    if (!copy_text(image, &upload->image) || !copy_text(store, &upload->store) ||
        !copy_text(project, &upload->project)) {
        held_row_free(upload);
        return NULL;
    }
    upload->uploads = uploads;
    return upload;
}

/* --- dormant ones ------------------------------------------------------------------------- */

bool held_uploads_keep(struct held_uploads *uploads, struct spools *spools,
                       void (*dropped)(void *context, const char *image), void *context)
{
    struct dormant_parts *parts = &uploads->dormant;
    parts->spools = spools;
    parts->dropped = dropped;
    parts->context = context;
    if (!parts->metrics)
        parts->metrics = metrics_new();
    if (parts->metrics && !parts->records)
        parts->records = records_new(parts->metrics);
    return parts->records != NULL;
}

void dormant_stop(struct held_uploads *uploads)
{
    struct dormant_parts *parts = &uploads->dormant;
    struct held_upload *upload;
    if (!parts->records)
        return;
    while ((upload = LIST_TAKE_FIRST(&uploads->all, struct held_upload, place)))
        dormant_end(upload, NULL);
    records_free(parts->records);
    metrics_free(parts->metrics);
}

struct records *held_uploads_records(struct held_uploads *uploads)
{
    return uploads->dormant.records;
}

struct metrics *held_uploads_metrics(struct held_uploads *uploads)
{
    return uploads->dormant.metrics;
}

struct request_record *dormant_record(const struct kept_facts *facts)
{
    struct request_record *record = record_new(NULL, NULL, facts->image);
    if (!record)
        return NULL;
    if (!copy_text(facts->project, &record->project) || !copy_text(facts->store, &record->store)) {
        record_free(record);
        return NULL;
    }
    record->size_known = true;
    record->size = facts->length;
    atomic_store_explicit(&record->spooled, facts->offset, memory_order_relaxed);
    atomic_store_explicit(&record->step, "dormant", memory_order_relaxed);
    record_set_state(record, RECORD_HELD);
    return record;
}

static void say_dropped(const struct held_upload *upload, const char *why)
{
    log_say(LOG_LEVEL_WARNING,
            "the upload to image %s, which had %" PRIu64 " of %" PRIu64 " bytes, was dropped: %s",
            upload->image, atomic_load_explicit(&upload->offset, memory_order_relaxed),
            upload->length, why);
}

void dormant_end(struct held_upload *upload, const char *why)
{
    struct dormant_parts *parts = &upload->uploads->dormant;
    list_remove(&upload->place);
    spools_discount(parts->spools, upload->offset);
    metrics_gauge_add(parts->metrics, METRICS_UPLOADS_HELD, -1);
    records_withdraw(parts->records, upload->record);
    if (why) {
        say_dropped(upload, why);
        metrics_held_dropped(parts->metrics);
        parts->dropped(parts->context, upload->image);
    }
    held_row_free(upload);
}

struct held_upload *dormant_find(struct held_uploads *uploads, const char *image)
{
    LIST_EACH(row, &uploads->all, struct held_upload, place)
        if (!row->loop && strcasecmp(row->image, image) == 0)
            return row;
    return NULL;
}

void dormant_replace(struct held_uploads *uploads, const char *image)
{
    struct held_upload *upload = dormant_find(uploads, image);
    if (upload)
        dormant_end(upload, NULL);
}
