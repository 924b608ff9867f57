/* SPDX-License-Identifier: Apache-2.0 */
/* The whole program from its start to its end. */
#include "intake/server.h"

#include "intake/clock.h"
#include "intake/health.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/worker.h"
#include "server/server_priv.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* How long the end of the program waits for the log to be written. */
enum { LOG_END_MS = 2000 };

static void report_ready(const struct server *server)
{
    const struct settings *settings = server->snapshot->settings;
    for (size_t i = 0; i < settings->listen.bind_count; i++)
        log_say(LOG_LEVEL_INFO, "listening on %s (%s), %u worker%s, Glance at %s%s",
                settings->listen.binds[i].text, server->snapshot->tls ? "https" : "http",
                settings->workers, settings->workers == 1 ? "" : "s", settings->glance.endpoints[0],
                settings->glance.endpoint_count > 1 ? " and others" : "");
    if (settings->admin.bind.text)
        log_say(LOG_LEVEL_INFO, "admin pages on %s", settings->admin.bind.text);
    sd_notify(0, "READY=1\nSTATUS=Serving");
}

static void tear_down(struct server *server)
{
    admin_stop(server->admin);
    health_stop(server->health);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_free(server->workers[i]);
    shared_end(&server->shared);
    free(server->workers);
    free(server->metrics);
    free(server->records);
    if (server->signals >= 0)
        close(server->signals);
    if (server->ended >= 0)
        close(server->ended);
    if (server->channel >= 0)
        close(server->channel);
    snapshot_release(server->started);
    snapshot_release(server->snapshot);
    pthread_mutex_destroy(&server->lock);
}

int server_run(struct snapshot *first, const struct settings_sources *sources)
{
    struct server server = {.sources = sources,
                            .snapshot = first,
                            .started = snapshot_hold(first),
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .signals = -1,
                            .ended = -1,
                            .channel = -1};
    atomic_init(&server.config.last_successful, true);
    atomic_init(&server.config.last_success_ms, clock_wall_ms());
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    bool started = server_start(&server);
    if (started) {
        report_ready(&server);
        server_serve(&server);
        log_say(LOG_LEVEL_INFO, "stopped");
    }
    tear_down(&server);
    curl_global_cleanup();
    log_end(LOG_END_MS);
    return started ? 0 : 1;
}
