/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the uploads of all proxies in a thread of its own: to wait for a peer in the daemon's
 * thread would leave that peer without an answer, if it asks at the same moment. Connections that
 * need the result are suspended, and share it. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/clock.h"

#include <microhttpd.h>
#include <stdlib.h>

enum { MAX_AGE_MS = 1000, TEXT_MAX = 32 << 20 };

struct gathering {
    const struct admin_sources *sources;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool stopping;
    struct buffer text; /* "": there was no memory, or nothing was gathered yet */
    uint64_t gathered_ms;
    struct MHD_Connection *waiting[ADMIN_CONNECTIONS_MAX];
    size_t waiting_count;
};

/* The caller holds the lock. */
static void resume_all(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->waiting_count; i++)
        MHD_resume_connection(gathering->waiting[i]);
    gathering->waiting_count = 0;
}

static void gather(struct gathering *gathering)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    if (!uploads_of_all(gathering->sources, &text))
        buffer_clear(&text);
    pthread_mutex_lock(&gathering->lock);
    buffer_free(&gathering->text);
    gathering->text = text;
    gathering->gathered_ms = clock_ms();
    resume_all(gathering);
}

static void *run(void *context)
{
    struct gathering *gathering = context;
    pthread_mutex_lock(&gathering->lock);
    while (!gathering->stopping) {
        if (!gathering->waiting_count) {
            pthread_cond_wait(&gathering->wake, &gathering->lock);
            continue;
        }
        pthread_mutex_unlock(&gathering->lock);
        gather(gathering); /* takes the lock */
    }
    resume_all(gathering);
    pthread_mutex_unlock(&gathering->lock);
    return NULL;
}

struct gathering *gathering_start(const struct admin_sources *sources)
{
    struct gathering *gathering = calloc(1, sizeof *gathering);
    if (!gathering)
        return NULL;
    gathering->sources = sources;
    buffer_init(&gathering->text, TEXT_MAX);
    pthread_mutex_init(&gathering->lock, NULL);
    pthread_cond_init(&gathering->wake, NULL);
    if (!pthread_create(&gathering->thread, NULL, run, gathering))
        return gathering;
    gathering_free(gathering);
    return NULL;
}

bool gathering_ask(struct gathering *gathering, struct MHD_Connection *connection,
                   struct buffer *out)
{
    pthread_mutex_lock(&gathering->lock);
    bool recent = gathering->gathered_ms && clock_ms() - gathering->gathered_ms < MAX_AGE_MS;
    bool full = gathering->waiting_count == ADMIN_CONNECTIONS_MAX;
    bool answered = recent || full || gathering->stopping;
    if (answered) {
        buffer_append(out, gathering->text.data, gathering->text.len);
    } else {
        MHD_suspend_connection(connection);
        gathering->waiting[gathering->waiting_count++] = connection;
        pthread_cond_signal(&gathering->wake);
    }
    pthread_mutex_unlock(&gathering->lock);
    return answered;
}

void gathering_stop(struct gathering *gathering)
{
    pthread_mutex_lock(&gathering->lock);
    gathering->stopping = true;
    pthread_cond_signal(&gathering->wake);
    pthread_mutex_unlock(&gathering->lock);
    pthread_join(gathering->thread, NULL);
}

void gathering_free(struct gathering *gathering)
{
    if (!gathering)
        return;
    buffer_free(&gathering->text);
    pthread_cond_destroy(&gathering->wake);
    pthread_mutex_destroy(&gathering->lock);
    free(gathering);
}
