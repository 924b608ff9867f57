/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the records of all workers as one JSON document, newest first. Each registry is locked
 * only while its rows are copied. */
#include "stats/records_json.h"

#include "intake/buffer.h"
#include "intake/clock.h"
#include "intake/record.h"
#include "intake/utf8.h"
#include "stats/records_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- one record ------------------------------------------------------------------------ */

/* Replaces bytes that JSON cannot have. NULL becomes null. */
static json_t *json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *string = json_string(text);
    if (string)
        return string;
    struct buffer clean;
    buffer_init(&clean, 3 * strlen(text));
    string = utf8_clean(text, &clean) ? json_string(buffer_text(&clean)) : NULL;
    buffer_free(&clean);
    return string;
}

/* A count that is not known (`known` false) is null. */
static json_t *json_count(bool known, uint64_t count)
{
    return known ? json_integer((json_int_t)count) : json_null();
}

static json_t *json_time(uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

/* "damaged_body, truncated"; null if there is none. */
static json_t *json_warnings(uint64_t warnings)
{
    char text[RECORD_WARNINGS_TEXT];
    record_warnings_text(warnings, text);
    return json_text(*text ? text : NULL);
}

/* Takes ownership of `value`. False: no memory; `value` or `object` may be NULL then. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool set_common(json_t *object, const struct request_record *record, double seconds)
{
    uint64_t bytes = record->bytes;
    double rate = seconds > 0 ? (double)bytes / seconds : 0;
    return set(object, "request_id", json_text(record->request_id)) &&
           set(object, "began", json_time(record->began_wall_ms)) &&
           set(object, "client", json_text(record->client)) &&
           set(object, "project", json_text(record->project)) &&
           set(object, "image", json_text(record->image)) &&
           set(object, "name", json_text(record->image_name)) &&
           set(object, "store", json_text(record->store)) &&
           set(object, "rule", json_text(record->rule)) &&
           set(object, "door", json_string(record_kind_name(record->kind))) &&
           set(object, "method", json_text(record->method)) &&
           set(object, "size", json_count(record->size_known, record->size)) &&
           set(object, "bytes", json_count(true, bytes)) &&
           set(object, "queued", json_real((double)record->queued_ms / 1000)) &&
           set(object, "bytes_per_second", json_count(true, (uint64_t)rate)) &&
           set(object, "warnings", json_warnings(record->warnings));
}

/* Only uploads have data. */
static json_t *json_state(const struct request_record *record)
{
    bool upload = record->kind == RECORD_FILE || record->kind == RECORD_STAGE;
    return json_text(upload ? record_state_name(record->state) : NULL);
}

static bool set_running(json_t *object, const struct request_record *record)
{
    double age = (double)(clock_ms() - record->began_ms) / 1000;
    return set_common(object, record, age) && set(object, "age", json_real(age)) &&
           set(object, "step", json_text(record->step)) &&
           set(object, "state", json_state(record)) &&
           set(object, "spooled", json_count(true, record->spooled));
}

/* "store, length"; null if nothing was fixed. */
static json_t *json_fixes(unsigned fixes)
{
    char text[64];
    record_fixes_text(fixes, text);
    return json_text(*text ? text : NULL);
}

static json_t *json_audit(const struct request_record *record)
{
    char text[RECORD_AUDIT_TEXT];
    record_audit_text(record, text);
    return json_text(*text ? text : NULL);
}

static bool set_finished(json_t *object, const struct request_record *record)
{
    unsigned status = record->glance_status;
    return set_common(object, record, record->seconds) &&
           set(object, "seconds", json_real(record->seconds)) &&
           set(object, "fixes", json_fixes(record->fixes)) &&
           set(object, "audit", json_audit(record)) &&
           set(object, "sha512", json_text(record->sha512)) &&
           set(object, "verified", json_text(*record->verified ? record->verified : NULL)) &&
           set(object, "image_after",
               json_text(*record->image_after ? record->image_after : NULL)) &&
           set(object, "attempts", json_count(true, record->attempts)) &&
           set(object, "glance_status", json_count(status != 0, status)) &&
           set(object, "verdict", json_text(record_verdict_name(record->verdict))) &&
           set(object, "reason", json_text(refusal_row(record->reason)->name));
}

/* --- all records ----------------------------------------------------------------------- */

struct rows {
    struct row {
        double when; /* the sort key: when it began or ended, in milliseconds */
        json_t *object;
    } * rows;
    size_t count;
};

static void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        json_decref(rows->rows[i].object);
    free(rows->rows);
}

/* Which records are wanted. */
struct selection {
    bool finished;     /* else: in flight */
    const char *image; /* NULL: of all images */
};

static bool is_selected(const struct request_record *record, const struct selection *selection)
{
    return !selection->image || (record->image && !strcasecmp(record->image, selection->image));
}

/* Adds the records of a list. The caller holds its lock. */
static bool rows_add(struct rows *rows, const struct record_list *list,
                     const struct selection *selection)
{
    struct row *grown = reallocarray(rows->rows, rows->count + list->count + 1, sizeof *grown);
    if (!grown)
        return false;
    rows->rows = grown;
    LIST_EACH(record, &list->rows, const struct request_record, place) {
        if (!is_selected(record, selection))
            continue;
        struct row *row = &rows->rows[rows->count++];
        row->when = (double)record->began_ms + (selection->finished ? record->seconds * 1000 : 0);
        row->object = json_object();
        if (!(selection->finished ? set_finished : set_running)(row->object, record))
            return false;
        if (selection->image)
            json_object_del(row->object, "client");
    }
    return true;
}

static int newest_first(const void *left, const void *right)
{
    double a = ((const struct row *)left)->when;
    double b = ((const struct row *)right)->when;
    return (a < b) - (a > b);
}

static json_t *collect(struct records *const *all, size_t count, const struct selection *selection)
{
    struct rows rows = {0};
    bool added = true;
    for (size_t i = 0; i < count && added; i++) {
        pthread_mutex_lock(&all[i]->lock);
        added = rows_add(&rows, selection->finished ? &all[i]->finished : &all[i]->in_flight,
                         selection);
        pthread_mutex_unlock(&all[i]->lock);
    }
    json_t *array = added ? json_array() : NULL;
    if (array && rows.count)
        qsort(rows.rows, rows.count, sizeof *rows.rows, newest_first);
    bool limited = selection->finished || selection->image;
    size_t shown =
        limited && rows.count > RECORDS_FINISHED_KEPT ? RECORDS_FINISHED_KEPT : rows.count;
    for (size_t i = 0; array && i < shown; i++) {
        if (json_array_append(array, rows.rows[i].object)) {
            json_decref(array);
            array = NULL;
        }
    }
    rows_free(&rows);
    return array;
}

static json_t *collect_of(struct records *const *all, size_t count, const char *image)
{
    json_t *document = json_object();
    if (set(document, "in_flight", collect(all, count, &(struct selection){false, image})) &&
        set(document, "finished", collect(all, count, &(struct selection){true, image})))
        return document;
    json_decref(document);
    return NULL;
}

json_t *records_collect(struct records *const *all, size_t count)
{
    return collect_of(all, count, NULL);
}

/* Takes ownership of the document; NULL: no memory. */
static bool write_document(json_t *document, struct buffer *out)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    bool written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(document);
    return written;
}

bool records_json(struct records *const *all, size_t count, struct buffer *out)
{
    return write_document(collect_of(all, count, NULL), out);
}

bool records_json_of_image(struct records *const *all, size_t count, const char *image,
                           struct buffer *out)
{
    return write_document(collect_of(all, count, image), out);
}
