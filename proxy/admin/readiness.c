/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks tell whether Glance is there. Before the first of them has ended, and where they
 * are off, it is asked when somebody wants to know.
 *
 * That probe blocks for up to two seconds, and a process that does not answer /healthz meanwhile
 * gets killed by whoever watches it. So a thread of its own asks, and the connections that want
 * to know sleep until it has the answer, all of them on one question:
 *
 *   daemon's thread   readiness_ask: answer fresh? give it : suspend, join `waiting`, wake
 *   asking thread     sleep -> glance_probe -> keep the answer, resume all who wait -> sleep
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

enum { FRESH_MS = 2000, DIAGNOSTIC_MAX = 64 * 1024 };

struct readiness {
    const struct admin_sources *sources;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool stopping;
    bool asked; /* at least once */
    uint64_t asked_ms;
    struct readiness_answer answer; /* but for what is looked up anew each time */
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

static void ask_glance(const struct admin_sources *sources, struct readiness_answer *answer)
{
    struct snapshot *snapshot = sources->snapshot(sources->context);
    answer->glance = glance_probe(snapshot->settings, answer->why, sizeof answer->why);
    snapshot_release(snapshot);
}

/* One endpoint that is not out is enough. False: no health check has told of each of them yet. */
static bool take_checks(const struct admin_sources *sources, struct readiness_answer *answer)
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

/* What costs nothing to know is no more than this old. */
static void look_up(const struct admin_sources *sources, struct readiness_answer *answer)
{
    struct buffer said;
    struct snapshot *snapshot = sources->snapshot(sources->context);
    buffer_init(&said, DIAGNOSTIC_MAX);
    answer->draining = sources->draining(sources->context);
    if (stores_missing(sources->stores, snapshot->policy, &said))
        snprintf(answer->missing, sizeof answer->missing, "%s",
                 said.len ? said.data : "the policy names stores that Glance does not have");
    buffer_free(&said);
    snapshot_release(snapshot);
}

/* With the lock held. */
static void resume_all(struct readiness *readiness)
{
    for (size_t i = 0; i < readiness->waiting_count; i++)
        MHD_resume_connection(readiness->waiting[i]);
    readiness->waiting_count = 0;
}

static void *ask_when_somebody_waits(void *context)
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
        ask_glance(readiness->sources, &answer);
        pthread_mutex_lock(&readiness->lock);
        readiness->answer = answer;
        readiness->asked = true;
        readiness->asked_ms = clock_ms();
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
    if (!pthread_create(&readiness->thread, NULL, ask_when_somebody_waits, readiness))
        return readiness;
    readiness_free(readiness);
    return NULL;
}

/* With the lock held. */
static bool known(const struct readiness *readiness)
{
    bool fresh = readiness->asked && clock_ms() - readiness->asked_ms < FRESH_MS;
    bool full = readiness->waiting_count == ADMIN_CONNECTIONS_MAX;
    struct readiness_answer answer;
    return fresh || full || readiness->stopping || take_checks(readiness->sources, &answer);
}

bool readiness_ask(struct readiness *readiness, struct MHD_Connection *connection,
                   struct readiness_answer *out)
{
    pthread_mutex_lock(&readiness->lock);
    bool answered = known(readiness);
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
    take_checks(readiness->sources, out);
    look_up(readiness->sources, out);
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
