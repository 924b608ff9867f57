/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the uploads in flight in one list. A list is fast enough: it has one row per upload in
 * flight, and is searched a few times per upload. */
#include "intake/upload_locks.h"

#include "intake/list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct upload_lock {
    struct upload_locks *upload_locks;
    char *image_id;
    struct upload_lock_facts facts;
    const _Atomic uint64_t *bytes;
    bool sent;
    bool recheck_needed; /* another upload was sent since this one has last checked */
    struct list place;
};

struct upload_locks {
    pthread_mutex_t lock;
    struct list all;
};

struct upload_locks *upload_locks_new(void)
{
    struct upload_locks *upload_locks = calloc(1, sizeof *upload_locks);
    if (upload_locks)
        pthread_mutex_init(&upload_locks->lock, NULL);
    return upload_locks;
}

void upload_locks_free(struct upload_locks *upload_locks)
{
    if (!upload_locks)
        return;
    pthread_mutex_destroy(&upload_locks->lock);
    free(upload_locks);
}

/* --- create and release ---------------------------------------------------------------- */

static void add(struct upload_locks *upload_locks, struct upload_lock *upload_lock)
{
    pthread_mutex_lock(&upload_locks->lock);
    list_insert(&upload_locks->all, &upload_lock->place);
    pthread_mutex_unlock(&upload_locks->lock);
}

struct upload_lock *upload_lock_new(struct upload_locks *upload_locks, const char *image_id,
                                    const struct upload_lock_facts *facts,
                                    const _Atomic uint64_t *bytes)
{
    struct upload_lock *upload_lock = calloc(1, sizeof *upload_lock);
    if (!upload_lock)
        return NULL;
    upload_lock->upload_locks = upload_locks;
    upload_lock->facts = *facts;
    upload_lock->bytes = bytes;
    upload_lock->image_id = strdup(image_id);
    if (!upload_lock->image_id) {
        free(upload_lock);
        return NULL;
    }
    add(upload_locks, upload_lock);
    return upload_lock;
}

void upload_lock_release(struct upload_lock *upload_lock)
{
    if (!upload_lock)
        return;
    struct upload_locks *upload_locks = upload_lock->upload_locks;
    pthread_mutex_lock(&upload_locks->lock);
    list_remove(&upload_lock->place);
    pthread_mutex_unlock(&upload_locks->lock);
    free(upload_lock->image_id);
    free(upload_lock);
}

/* --- other uploads to the image: the caller holds the lock ----------------------------- */

static bool is_other(const struct upload_lock *upload_lock, const struct upload_lock *row)
{
    return row != upload_lock && strcmp(row->image_id, upload_lock->image_id) == 0;
}

#define EACH_OTHER(row, upload_lock)                                                               \
    LIST_EACH(row, &(upload_lock)->upload_locks->all, struct upload_lock, place)                   \
        if (is_other(upload_lock, row))

static bool find_sent(const struct upload_lock *upload_lock, struct upload_lock_facts *facts)
{
    bool found = false;
    EACH_OTHER(row, upload_lock)
    {
        uint64_t bytes = atomic_load_explicit(row->bytes, memory_order_relaxed);
        if (!row->sent || (found && bytes <= facts->bytes))
            continue;
        found = true;
        *facts = row->facts;
        facts->bytes = bytes;
    }
    return found;
}

/* --- queries --------------------------------------------------------------------------- */

bool upload_lock_other(const struct upload_lock *upload_lock, struct upload_lock_facts *facts)
{
    pthread_mutex_lock(&upload_lock->upload_locks->lock);
    bool found = find_sent(upload_lock, facts);
    pthread_mutex_unlock(&upload_lock->upload_locks->lock);
    return found;
}

enum upload_lock_outcome upload_lock_send(struct upload_lock *upload_lock, bool anyway)
{
    struct upload_lock_facts facts;
    pthread_mutex_lock(&upload_lock->upload_locks->lock);
    bool must_check = !anyway && (upload_lock->recheck_needed || find_sent(upload_lock, &facts));
    upload_lock->recheck_needed = false;
    upload_lock->sent = upload_lock->sent || !must_check;
    if (!must_check) {
        EACH_OTHER(row, upload_lock)
        {
            row->recheck_needed = true;
        }
    }
    pthread_mutex_unlock(&upload_lock->upload_locks->lock);
    return must_check ? UPLOAD_LOCK_LOOK : UPLOAD_LOCK_SENT;
}
