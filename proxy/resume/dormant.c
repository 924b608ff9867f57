/* SPDX-License-Identifier: Apache-2.0 */
/* Dormant uploads in the list of uploads that can be resumed: they are on disk, and no exchange has
 * them. */
#include "intake/clock.h"
#include "intake/kept_files.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/spool.h"
#include "resume/held_priv.h"

#include <strings.h>

static void enter(struct held_uploads *uploads, struct held_upload *upload,
                  const struct kept_facts *facts)
{
    struct dormant_parts *parts = &uploads->dormant;
    upload->length = upload->size = facts->length; /* its image is judged when it goes on */
    upload->offset = facts->offset;
    upload->held_since = clock_ms();
    upload->expires_wall_ms = facts->expires_wall_ms;
    dormant_replace(uploads, facts->image);
    list_insert(&uploads->all, &upload->place);
    spools_count(parts->spools, facts->offset);
    metrics_gauge_add(parts->metrics, METRICS_UPLOADS_HELD, 1);
    records_enter(parts->records, upload->record);
}

bool held_uploads_add_dormant(struct held_uploads *uploads, const struct kept_facts *facts,
                              const struct held_limits *limits)
{
    struct held_upload *upload = held_row_new(uploads, facts->image, facts->store, facts->project);
    if (!upload)
        return false;
    upload->record = dormant_record(facts);
    if (!upload->record) {
        held_row_free(upload);
        return false;
    }
    pthread_mutex_lock(&uploads->lock);
    enter(uploads, upload, facts);
    held_keep_limits(uploads, facts->project, limits);
    pthread_mutex_unlock(&uploads->lock);
    return true;
}

bool held_uploads_is_dormant(struct held_uploads *uploads, const char *image)
{
    pthread_mutex_lock(&uploads->lock);
    bool dormant = dormant_find(uploads, image);
    pthread_mutex_unlock(&uploads->lock);
    return dormant;
}

bool held_uploads_has(struct held_uploads *uploads, const char *image)
{
    bool has = false;
    pthread_mutex_lock(&uploads->lock);
    LIST_EACH(row, &uploads->all, struct held_upload, place)
        has = has || strcasecmp(row->image, image) == 0;
    pthread_mutex_unlock(&uploads->lock);
    return has;
}

static struct held_upload *find_expired(struct held_uploads *uploads, uint64_t now_wall_ms)
{
    LIST_EACH(row, &uploads->all, struct held_upload, place)
        if (!row->loop && row->expires_wall_ms <= now_wall_ms)
            return row;
    return NULL;
}

void held_uploads_expire(struct held_uploads *uploads, uint64_t now_wall_ms)
{
    struct held_upload *upload;
    pthread_mutex_lock(&uploads->lock);
    while ((upload = find_expired(uploads, now_wall_ms)))
        dormant_end(upload, "its client did not come back");
    pthread_mutex_unlock(&uploads->lock);
}
