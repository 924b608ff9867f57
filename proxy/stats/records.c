/* SPDX-License-Identifier: Apache-2.0 */
/* The request records of one worker: those in flight, and the last hundred that ended.
 *
 * The lock is taken when a record is added or removed and when a page reads the lists, never per
 * block of data. Other threads read of a record in flight only what record.h allows: what was set
 * before records_enter(), atomic members, and what records_decided() sets. They read what the
 * worker sets at the end only after the record is in `finished`. */
#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "stats/records_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- a record -------------------------------------------------------------------------- */

static bool copy_string(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

struct request_record *record_new(const char *request_id, const char *client, const char *image)
{
    struct request_record *record = calloc(1, sizeof *record);
    if (!record)
        return NULL;
    record->began_ms = clock_ms();
    record->began_wall_ms = clock_wall_ms();
    atomic_init(&record->step, "begin");
    if (copy_string(request_id, &record->request_id) && copy_string(client, &record->client) &&
        copy_string(image, &record->image))
        return record;
    record_free(record);
    return NULL;
}

void record_free(struct request_record *record)
{
    if (!record)
        return;
    free(record->request_id);
    free(record->client);
    free(record->project);
    free(record->image);
    free(record->image_name);
    free(record->store);
    free(record->rule);
    free(record->method);
    free(record->sha512);
    free(record);
}

bool record_describe_image(struct request_record *record, const char *owner, const char *name)
{
    free(record->project);
    free(record->image_name);
    record->image_name = name ? strndup(name, RECORD_NAME_MAX) : NULL;
    return copy_string(owner, &record->project) && (record->image_name || !name);
}

void record_set_state(struct request_record *record, enum record_state state)
{
    atomic_store_explicit(&record->state, state, memory_order_relaxed);
}

/* --- the two lists --------------------------------------------------------------------- */

static void push(struct record_list *list, struct request_record *record)
{
    list_insert(&list->rows, &record->place);
    list->count++;
}

static void take_out(struct record_list *list, struct request_record *record)
{
    list_remove(&record->place);
    list->count--;
}

static void free_all(struct record_list *list)
{
    struct request_record *record;
    while ((record = LIST_TAKE_FIRST(&list->rows, struct request_record, place)))
        record_free(record);
}

/* --- the registry ---------------------------------------------------------------------- */

struct records *records_new(struct metrics *metrics)
{
    struct records *records = calloc(1, sizeof *records);
    if (!records)
        return NULL;
    records->metrics = metrics;
    pthread_mutex_init(&records->lock, NULL);
    return records;
}

void records_free(struct records *records)
{
    if (!records)
        return;
    free_all(&records->in_flight);
    free_all(&records->finished);
    pthread_mutex_destroy(&records->lock);
    free(records);
}

void records_enter(struct records *records, struct request_record *record)
{
    pthread_mutex_lock(&records->lock);
    push(&records->in_flight, record);
    pthread_mutex_unlock(&records->lock);
    metrics_gauge_add(records->metrics, METRICS_UPLOADS_IN_FLIGHT, 1);
}

bool records_decided(struct records *records, struct request_record *record, const char *rule,
                     const char *store)
{
    char *new_rule, *new_store;
    if (!copy_string(rule, &new_rule))
        return false;
    if (!copy_string(store, &new_store)) {
        free(new_rule);
        return false;
    }
    pthread_mutex_lock(&records->lock);
    char *old_rule = record->rule;
    char *old_store = record->store;
    record->rule = new_rule;
    record->store = new_store;
    pthread_mutex_unlock(&records->lock);
    free(old_rule);
    free(old_store);
    return true;
}

void records_leave(struct records *records, struct request_record *record)
{
    record->seconds = (double)(clock_ms() - record->began_ms) / 1000;
    if (!record->unlogged)
        record_log(record);
    metrics_upload(records->metrics, record);

    struct request_record *oldest = NULL;
    pthread_mutex_lock(&records->lock);
    bool entered = list_is_linked(&record->place);
    if (entered)
        take_out(&records->in_flight, record);
    push(&records->finished, record);
    if (records->finished.count > RECORDS_FINISHED_KEPT) {
        oldest = LIST_LAST(&records->finished.rows, struct request_record, place);
        take_out(&records->finished, oldest);
    }
    pthread_mutex_unlock(&records->lock);

    record_free(oldest);
    if (entered)
        metrics_gauge_add(records->metrics, METRICS_UPLOADS_IN_FLIGHT, -1);
}

void records_withdraw(struct records *records, struct request_record *record)
{
    pthread_mutex_lock(&records->lock);
    take_out(&records->in_flight, record);
    pthread_mutex_unlock(&records->lock);
    record_free(record);
    metrics_gauge_add(records->metrics, METRICS_UPLOADS_IN_FLIGHT, -1);
}
