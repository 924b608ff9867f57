/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of the health checks. It checks all endpoints at the same time, so that one that does
 * not answer does not delay the others. A result that contradicts the known state is checked again
 * after RECHECK_MS, so that a change of state takes effect before two intervals have passed. */
#include "intake/health.h"

#include "intake/clock.h"
#include "intake/endpoints.h"
#include "intake/log.h"
#include "intake/probe.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "upstream/probe_handle.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { RECHECK_MS = 1000, INTERVAL_MIN_MS = 100, OFF_MS = 60000 };

struct health {
    struct endpoints *endpoints;
    health_snapshot *snapshot;
    void *context;
    pthread_t thread;
    CURLM *multi;
    atomic_bool stopping, reloaded;
    CURL *checks[ENDPOINTS_MAX]; /* the running checks, by their index in the view; NULL: none */
};

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t interval_of(const struct settings *settings)
{
    uint64_t interval = settings->glance.health_interval;
    return interval && interval < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : interval;
}

/* --- one round -------------------------------------------------------------------------- */

static void start_check(struct health *health, const struct settings *settings, const char *url,
                        size_t place)
{
    CURL *easy = curl_easy_init();
    uint64_t timeout = lesser(interval_of(settings), PROBE_TIMEOUT_MS);
    if (!easy || !probe_prepare(easy, settings, url, timeout) ||
        curl_multi_add_handle(health->multi, easy) != CURLM_OK) {
        curl_easy_cleanup(easy);
        return;
    }
    endpoints_check_begins(health->endpoints, url);
    health->checks[place] = easy;
}

static void end_check(struct health *health, size_t place)
{
    curl_multi_remove_handle(health->multi, health->checks[place]);
    curl_easy_cleanup(health->checks[place]);
    health->checks[place] = NULL;
}

static void take_result(struct health *health, const struct endpoints_view *view,
                        const CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    size_t place = 0;
    while (place < view->count && health->checks[place] != easy)
        place++;
    if (place == view->count)
        return;
    char why[ENDPOINT_WHY_MAX];
    const char *url = view->rows[place].url;
    enum endpoint_health result = probe_result(easy, code, url, why, sizeof why);
    end_check(health, place);
    endpoints_checked(health->endpoints, url, result, why);
}

/* Returns when all checks have ended, or when the thread has to stop. */
static void wait_for_results(struct health *health, const struct endpoints_view *view)
{
    int running = 1;
    while (running && !atomic_load(&health->stopping)) {
        int left;
        curl_multi_perform(health->multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(health->multi, &left));)
            take_result(health, view, message);
        if (running)
            curl_multi_poll(health->multi, NULL, 0, PROBE_TIMEOUT_MS, NULL);
    }
}

static void check_all(struct health *health, const struct settings *settings)
{
    struct endpoints_view view;
    endpoints_look(health->endpoints, &view);
    for (size_t i = 0; i < view.count; i++)
        start_check(health, settings, view.rows[i].url, i);
    wait_for_results(health, &view);
    for (size_t i = 0; i < view.count; i++)
        if (health->checks[i])
            end_check(health, i);
    endpoints_view_free(&view);
}

static bool all_settled(const struct health *health)
{
    struct endpoints_view view;
    endpoints_look(health->endpoints, &view);
    bool settled = true;
    for (size_t i = 0; i < view.count; i++)
        settled = settled && view.rows[i].settled;
    endpoints_view_free(&view);
    return settled;
}

/* Returns the milliseconds from the start of this round to the next one. */
static uint64_t round_of_checks(struct health *health)
{
    struct snapshot *snapshot = health->snapshot(health->context);
    uint64_t interval = interval_of(snapshot->settings);
    if (!endpoints_configure(health->endpoints, snapshot->settings))
        log_say(LOG_LEVEL_WARNING, "no memory to watch each endpoint of Glance");
    if (interval)
        check_all(health, snapshot->settings);
    snapshot_release(snapshot);
    if (!interval)
        return OFF_MS;
    return all_settled(health) ? interval : lesser(interval, RECHECK_MS);
}

/* --- the thread ------------------------------------------------------------------------- */

static void sleep_until(struct health *health, uint64_t due)
{
    for (uint64_t now; (now = clock_ms()) < due;) {
        if (atomic_load(&health->stopping) || atomic_load(&health->reloaded))
            return;
        curl_multi_poll(health->multi, NULL, 0, (int)(due - now), NULL);
    }
}

static void *run(void *context)
{
    struct health *health = context;
    while (!atomic_load(&health->stopping)) {
        uint64_t begun = clock_ms();
        atomic_store(&health->reloaded, false);
        uint64_t pause = round_of_checks(health);
        sleep_until(health, begun + pause);
    }
    return NULL;
}

struct health *health_start(struct endpoints *endpoints, health_snapshot *snapshot, void *context)
{
    struct health *health = calloc(1, sizeof *health);
    if (!health)
        return NULL;
    health->endpoints = endpoints;
    health->snapshot = snapshot;
    health->context = context;
    health->multi = curl_multi_init();
    if (health->multi && pthread_create(&health->thread, NULL, run, health) == 0)
        return health;
    curl_multi_cleanup(health->multi);
    free(health);
    return NULL;
}

void health_reload(struct health *health)
{
    atomic_store(&health->reloaded, true);
    curl_multi_wakeup(health->multi);
}

void health_stop(struct health *health)
{
    if (!health)
        return;
    atomic_store(&health->stopping, true);
    curl_multi_wakeup(health->multi);
    pthread_join(health->thread, NULL);
    curl_multi_cleanup(health->multi);
    free(health);
}
