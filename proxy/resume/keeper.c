/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the files once a second: the directory is small, and known uploads are not opened. */
#include "intake/keeper.h"

#include "intake/clock.h"
#include "intake/held_uploads.h"
#include "intake/kept_files.h"
#include "intake/list.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_S = 1 };

struct removal {
    struct list place;
    char image[KEPT_IMAGE_MAX + 1];
};

struct keeper {
    struct held_uploads *uploads;
    keeper_snapshot *snapshot;
    void *context;
    pthread_t thread;

    pthread_mutex_t lock; /* protects the rest */
    pthread_cond_t changed;
    struct list removals;
    bool stopping;
};

/* --- the files ---------------------------------------------------------------------------- */

struct look {
    struct keeper *keeper;
    struct held_limits limits;
};

static bool is_to_be_removed(struct keeper *keeper, const char *image)
{
    bool found = false;
    pthread_mutex_lock(&keeper->lock);
    LIST_EACH(removal, &keeper->removals, struct removal, place)
        found = found || strcmp(removal->image, image) == 0;
    pthread_mutex_unlock(&keeper->lock);
    return found;
}

static bool known(void *context, const char *image)
{
    const struct look *look = context;
    return held_uploads_has(look->keeper->uploads, image) || is_to_be_removed(look->keeper, image);
}

static void found(void *context, const struct kept_facts *facts)
{
    const struct look *look = context;
    if (!held_uploads_add_dormant(look->keeper->uploads, facts, &look->limits))
        return; /* no memory: it is found again */
    log_say(LOG_LEVEL_INFO,
            "an upload to image %s is in spool_dir with %" PRIu64 " of %" PRIu64
            " bytes, and waits for its client",
            facts->image, facts->offset, facts->length);
}

/* Without a directory there is nothing to look at. */
static void look_at_files(struct keeper *keeper, const struct settings *settings)
{
    struct look look = {keeper, {settings->resume.max_held, settings->resume.max_held_per_project}};
    const struct kept_scan scan = {
        .known = known, .found = found, .context = &look, .window_ms = settings->resume.window};
    const char *spool_dir = settings->upload.spool_dir;
    int directory = spool_dir ? kept_directory_open(spool_dir, false) : -1;
    if (directory < 0)
        return;
    kept_files_scan(directory, &scan);
    close(directory);
}

/* --- removals ----------------------------------------------------------------------------- */

/* Called by any thread, with the lock of the list held. */
static void dropped(void *context, const char *image)
{
    struct keeper *keeper = context;
    struct removal *removal = calloc(1, sizeof *removal);
    if (!removal)
        return; /* it is found again, and its window ends */
    strncpy(removal->image, image, KEPT_IMAGE_MAX);
    pthread_mutex_lock(&keeper->lock);
    list_append(&keeper->removals, &removal->place);
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
}

static struct removal *next_removal(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct removal *removal = LIST_TAKE_FIRST(&keeper->removals, struct removal, place);
    pthread_mutex_unlock(&keeper->lock);
    return removal;
}

/* Meanwhile another upload to the image may have begun, or have become dormant. */
static void remove_dropped(struct keeper *keeper, const struct settings *settings)
{
    struct removal *removal;
    int directory =
        settings->upload.spool_dir ? kept_directory_open(settings->upload.spool_dir, false) : -1;
    while ((removal = next_removal(keeper))) {
        if (directory >= 0 && !held_uploads_has(keeper->uploads, removal->image))
            kept_file_drop(directory, removal->image);
        free(removal);
    }
    if (directory >= 0)
        close(directory);
}

/* --- the thread --------------------------------------------------------------------------- */

static void work(struct keeper *keeper, bool looks)
{
    struct snapshot *snapshot = keeper->snapshot(keeper->context);
    const struct settings *settings = snapshot->settings;
    remove_dropped(keeper, settings);
    if (looks && settings->resume.window > 0)
        look_at_files(keeper, settings);
    held_uploads_expire(keeper->uploads, clock_wall_ms());
    snapshot_release(snapshot);
}

/* Until there is something to remove, at most. */
static void pause_a_little(struct keeper *keeper)
{
    struct timespec until;
    int result = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PAUSE_S;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stopping && list_is_empty(&keeper->removals) && result == 0)
        result = pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until);
    pthread_mutex_unlock(&keeper->lock);
}

static bool is_stopping(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool stopping = keeper->stopping;
    pthread_mutex_unlock(&keeper->lock);
    return stopping;
}

static void *run(void *context)
{
    struct keeper *keeper = context;
    while (!is_stopping(keeper)) {
        work(keeper, true);
        pause_a_little(keeper);
    }
    return NULL;
}

static void make_lock(struct keeper *keeper)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&keeper->lock, NULL);
}

static void release(struct keeper *keeper)
{
    struct removal *removal;
    while ((removal = next_removal(keeper)))
        free(removal);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

struct keeper *keeper_start(struct held_uploads *uploads, struct spools *spools,
                            keeper_snapshot *snapshot, void *context)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return NULL;
    keeper->uploads = uploads;
    keeper->snapshot = snapshot;
    keeper->context = context;
    make_lock(keeper);
    bool good = held_uploads_keep(uploads, spools, dropped, keeper);
    if (good)
        work(keeper, true);
    if (good && pthread_create(&keeper->thread, NULL, run, keeper) == 0)
        return keeper;
    release(keeper);
    return NULL;
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    work(keeper, false);
    release(keeper);
}
