/* SPDX-License-Identifier: Apache-2.0 */
/* The whole program from its start to its end. */
#include "intake/server.h"

#include "intake/clock.h"
#include "intake/cluster.h"
#include "intake/health.h"
#include "intake/keeper.h"
#include "intake/listener.h"
#include "intake/log.h"
#include "intake/predecessor.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/worker.h"
#include "server/secrets.h"
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
    if (server->predecessor >= 0)
        predecessor_tell_ready(server->predecessor); /* serve.c tells systemd when it agrees */
    else
        sd_notify(0, "READY=1\nSTATUS=Serving");
}

static void tear_down(struct server *server)
{
    admin_stop(server->admin);
    cluster_stop(server->cluster);
    health_stop(server->health);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_free(server->workers[i]);
    keeper_stop(server->keeper);
    sockets_remove_files(&server->sockets);
    sockets_free(&server->sockets);
    passed_sockets_free(&server->passed);
    successor_end(&server->successor);
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
    if (server->predecessor >= 0)
        close(server->predecessor);
    snapshot_release(server->started);
    snapshot_release(server->snapshot);
    pthread_mutex_destroy(&server->lock);
}

int server_run(struct snapshot *first, const struct server_start *start)
{
    struct server server = {.start = start,
                            .predecessor = start->predecessor,
                            .snapshot = first,
                            .started = snapshot_hold(first),
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .signals = -1,
                            .ended = -1,
                            .channel = -1};
    atomic_init(&server.config.last_successful, true);
    atomic_init(&server.config.last_success_ms, clock_wall_ms());
    if (!secrets_prepare(first->settings->keystone.auth_url))
        return 1;
    bool started = server_start(&server);
    if (started) {
        report_ready(&server);
        server_serve(&server);
        log_say(LOG_LEVEL_INFO, "process %ld has stopped", (long)getpid());
    }
    tear_down(&server);
    curl_global_cleanup();
    log_end(LOG_END_MS);
    return started ? 0 : 1;
}
