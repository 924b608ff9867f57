/* SPDX-License-Identifier: Apache-2.0 */
/* Answers whether the proxy is ready. Health checks know whether Glance is reachable. Before the
 * first of them has ended, and if they are off, a probe asks Glance when a page needs the answer.
 *
 * A probe blocks for up to two seconds. If /healthz were not answered meanwhile, an orchestrator
 * could kill the process. So a separate thread asks. Connections that need the answer are suspended
 * until it is there; all share one probe:
 *
 *   daemon's thread   readiness_ask: recent answer? return it : suspend, add to `waiting`, wake
 *   probing thread    sleep -> glance_probe -> store the answer, resume all waiting -> sleep
 */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/clock.h"
#include "intake/endpoints.h"
#include "intake/probe.h"
#include "intake/snapshot.h"
#include "intake/stores.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_AGE_MS = 2000, DIAGNOSTIC_MAX = 64 * 1024 };

struct readiness {
    const struct admin_sources *sources;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool stopping;
    bool probed;                    /* at least once: `answer` is set */
    uint64_t probed_ms;             /* in clock_ms() time */
    struct readiness_answer answer; /* add_current_state() sets the other members each time */
    struct MHD_Connection *waiting[ADMIN_CONNECTIONS_MAX];
    size_t waiting_count;
};

size_t readiness_problems(const struct readiness_answer *answer,
                          const char *diagnostics[READINESS_PROBLEMS_MAX])
{
    size_t count = 0;
    if (!answer->glance)
        diagnostics[count++] = answer->why;
    if (answer->missing[0])
        diagnostics[count++] = answer->missing;
    if (answer->draining)
        diagnostics[count++] = "this proxy is about to stop";
    return count;
}

static void probe_glance(const struct admin_sources *sources, struct readiness_answer *answer)
{
    struct snapshot *snapshot = sources->snapshot(sources->context);
    answer->glance = glance_probe(snapshot->settings, answer->why, sizeof answer->why);
    snapshot_release(snapshot);
}

/* Sets the answer from health checks: one endpoint that is not out is enough. False: not every
 * endpoint has been checked yet. */
static bool use_health_checks(const struct admin_sources *sources, struct readiness_answer *answer)
{
    struct endpoints_view view;
    bool checked = true;
    bool any = false;
    endpoints_look(sources->endpoints, &view);
    for (size_t i = 0; i < view.count; i++) {
        checked = checked && view.rows[i].checked;
        any = any || view.rows[i].state != ENDPOINT_OUT;
    }
    checked = checked && view.count > 0;
    if (checked) {
        answer->glance = any;
        snprintf(answer->why, sizeof answer->why, "%s%s", view.rows[0].why,
                 view.count > 1 ? ", and the other endpoints are out, too" : "");
    }
    endpoints_view_free(&view);
    return checked;
}

/* Sets the members that are cheap to find out, so that these are never old. */
static void add_current_state(const struct admin_sources *sources, struct readiness_answer *answer)
{
    struct buffer text;
    struct snapshot *snapshot = sources->snapshot(sources->context);
    buffer_init(&text, DIAGNOSTIC_MAX);
    answer->draining = sources->draining(sources->context);
    if (stores_missing(sources->stores, snapshot->policy, &text))
        snprintf(answer->missing, sizeof answer->missing, "%s",
                 text.len ? text.data : "the policy names stores that Glance does not have");
    buffer_free(&text);
    snapshot_release(snapshot);
}

/* The caller holds the lock. */
static void resume_all(struct readiness *readiness)
{
    for (size_t i = 0; i < readiness->waiting_count; i++)
        MHD_resume_connection(readiness->waiting[i]);
    readiness->waiting_count = 0;
}

static void *run_probes(void *context)
{
    struct readiness *readiness = context;
    pthread_mutex_lock(&readiness->lock);
    while (!readiness->stopping) {
        if (!readiness->waiting_count) {
            pthread_cond_wait(&readiness->wake, &readiness->lock);
            continue;
        }
        pthread_mutex_unlock(&readiness->lock);
        struct readiness_answer answer = {0};
        probe_glance(readiness->sources, &answer);
        pthread_mutex_lock(&readiness->lock);
        readiness->answer = answer;
        readiness->probed = true;
        readiness->probed_ms = clock_ms();
        resume_all(readiness);
    }
    resume_all(readiness);
    pthread_mutex_unlock(&readiness->lock);
    return NULL;
}

struct readiness *readiness_start(const struct admin_sources *sources)
{
    struct readiness *readiness = calloc(1, sizeof *readiness);
    if (!readiness)
        return NULL;
    readiness->sources = sources;
    snprintf(readiness->answer.why, sizeof readiness->answer.why, "Glance was not asked yet");
    pthread_mutex_init(&readiness->lock, NULL);
    pthread_cond_init(&readiness->wake, NULL);
    if (!pthread_create(&readiness->thread, NULL, run_probes, readiness))
        return readiness;
    readiness_free(readiness);
    return NULL;
}

/* Whether the connection can be answered now. The caller holds the lock. */
static bool can_answer(const struct readiness *readiness)
{
    bool recent = readiness->probed && clock_ms() - readiness->probed_ms < MAX_AGE_MS;
    bool full = readiness->waiting_count == ADMIN_CONNECTIONS_MAX;
    struct readiness_answer answer;
    return recent || full || readiness->stopping || use_health_checks(readiness->sources, &answer);
}

bool readiness_ask(struct readiness *readiness, struct MHD_Connection *connection,
                   struct readiness_answer *out)
{
    pthread_mutex_lock(&readiness->lock);
    bool answered = can_answer(readiness);
    if (answered) {
        *out = readiness->answer;
    } else {
        MHD_suspend_connection(connection);
        readiness->waiting[readiness->waiting_count++] = connection;
        pthread_cond_signal(&readiness->wake);
    }
    pthread_mutex_unlock(&readiness->lock);
    if (!answered)
        return false;
    use_health_checks(readiness->sources, out);
    add_current_state(readiness->sources, out);
    return true;
}

void readiness_stop(struct readiness *readiness)
{
    pthread_mutex_lock(&readiness->lock);
    readiness->stopping = true;
    pthread_cond_signal(&readiness->wake);
    pthread_mutex_unlock(&readiness->lock);
    pthread_join(readiness->thread, NULL);
}

void readiness_free(struct readiness *readiness)
{
    if (!readiness)
        return;
    pthread_cond_destroy(&readiness->wake);
    pthread_mutex_destroy(&readiness->lock);
    free(readiness);
}
