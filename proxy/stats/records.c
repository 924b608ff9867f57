/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's uploads: those in flight, and the last hundred that ended.
 *
 * The lock is taken when an upload comes or goes and when somebody reads, never per piece of
 * data. An upload in flight is read no further than upload.h allows: its birth facts, what is
 * atomic, and what uploads_decided() sets. What the worker sets at the end is read only once the
 * upload is in `finished`. */
#include "intake/clock.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "stats/records_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- an upload ------------------------------------------------------------------------- */

static bool copy_string(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

struct upload *upload_new(const char *request_id, const char *client, const char *image)
{
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return NULL;
    upload->began_ms = clock_ms();
    upload->began_wall_ms = clock_wall_ms();
    atomic_init(&upload->step, "begin");
    if (copy_string(request_id, &upload->request_id) && copy_string(client, &upload->client) &&
        copy_string(image, &upload->image))
        return upload;
    upload_free(upload);
    return NULL;
}

void upload_free(struct upload *upload)
{
    if (!upload)
        return;
    free(upload->request_id);
    free(upload->client);
    free(upload->project);
    free(upload->image);
    free(upload->store);
    free(upload->rule);
    free(upload->method);
    free(upload->sha512);
    free(upload);
}

/* --- the two lists --------------------------------------------------------------------- */

static void list_push(struct upload_list *list, struct upload *upload)
{
    upload->previous = NULL;
    upload->next = list->first;
    *(list->first ? &list->first->previous : &list->last) = upload;
    list->first = upload;
    list->count++;
}

static bool list_has(const struct upload_list *list, const struct upload *upload)
{
    return upload->previous || list->first == upload;
}

static void list_remove(struct upload_list *list, struct upload *upload)
{
    *(upload->previous ? &upload->previous->next : &list->first) = upload->next;
    *(upload->next ? &upload->next->previous : &list->last) = upload->previous;
    upload->next = upload->previous = NULL;
    list->count--;
}

static void list_free(struct upload_list *list)
{
    for (struct upload *next, *upload = list->first; upload; upload = next) {
        next = upload->next;
        upload_free(upload);
    }
}

/* --- the registry ---------------------------------------------------------------------- */

struct uploads *uploads_new(struct metrics *metrics)
{
    struct uploads *uploads = calloc(1, sizeof *uploads);
    if (!uploads)
        return NULL;
    uploads->metrics = metrics;
    pthread_mutex_init(&uploads->lock, NULL);
    return uploads;
}

void uploads_free(struct uploads *uploads)
{
    if (!uploads)
        return;
    list_free(&uploads->in_flight);
    list_free(&uploads->finished);
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

void uploads_enter(struct uploads *uploads, struct upload *upload)
{
    pthread_mutex_lock(&uploads->lock);
    list_push(&uploads->in_flight, upload);
    pthread_mutex_unlock(&uploads->lock);
    metrics_gauge_add(uploads->metrics, METRICS_UPLOADS_IN_FLIGHT, 1);
}

bool uploads_decided(struct uploads *uploads, struct upload *upload, const char *rule,
                     const char *store)
{
    char *new_rule, *new_store;
    if (!copy_string(rule, &new_rule))
        return false;
    if (!copy_string(store, &new_store)) {
        free(new_rule);
        return false;
    }
    pthread_mutex_lock(&uploads->lock);
    char *old_rule = upload->rule;
    char *old_store = upload->store;
    upload->rule = new_rule;
    upload->store = new_store;
    pthread_mutex_unlock(&uploads->lock);
    free(old_rule);
    free(old_store);
    return true;
}

void uploads_leave(struct uploads *uploads, struct upload *upload)
{
    upload->seconds = (double)(clock_ms() - upload->began_ms) / 1000;
    upload_log(upload);
    metrics_upload(uploads->metrics, upload);

    struct upload *oldest = NULL;
    pthread_mutex_lock(&uploads->lock);
    bool entered = list_has(&uploads->in_flight, upload);
    if (entered)
        list_remove(&uploads->in_flight, upload);
    list_push(&uploads->finished, upload);
    if (uploads->finished.count > UPLOADS_FINISHED_KEPT) {
        oldest = uploads->finished.last;
        list_remove(&uploads->finished, oldest);
    }
    pthread_mutex_unlock(&uploads->lock);

    upload_free(oldest);
    if (entered)
        metrics_gauge_add(uploads->metrics, METRICS_UPLOADS_IN_FLIGHT, -1);
}
