/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread at work: it waits for signals and for reloads, and for the end of the workers.
 *
 *   SIGTERM, SIGINT   drain: accept nothing, let uploads in flight finish; a second signal: stop
 *   SIGHUP            read the configuration again; if it has errors, the old one stays in force
 */
#include "server/server_priv.h"

#include "intake/clock.h"
#include "intake/diagnostics.h"
#include "intake/health.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/worker.h"
#include "server/reload.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* --- reload ---------------------------------------------------------------------------- */

static void put_in_force(struct server *server, struct snapshot *next)
{
    const struct settings *settings = next->settings;
    if (!log_open(settings->log_format, settings->debug, settings->log_file))
        log_say(LOG_LEVEL_ERROR, "cannot open the log file %s: %s; the old one stays",
                settings->log_file, strerror(errno));
    server_raise_file_limit(settings);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_reload(server->workers[i], next);
    pthread_mutex_lock(&server->lock);
    struct snapshot *old = server->snapshot;
    server->snapshot = next;
    pthread_mutex_unlock(&server->lock);
    snapshot_release(old);
    health_reload(server->health);
}

/* `client` is the connection that waits for the result, or -1. */
static void reload(struct server *server, int client)
{
    struct reload reload;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_ms() * 1000);
    reload_read(&reload, server->sources, server->started, server->snapshot);
    if (reload.snapshot)
        put_in_force(server, reload.snapshot);
    reload_report(&reload, &server->config);
    if (reload.snapshot)
        stores_tell_missing(server->shared.stores, server->snapshot->policy);
    if (client >= 0)
        channel_answer(client, &reload);
    reload_free(&reload);
}

static void accept_reload_client(struct server *server)
{
    int client = channel_accept(server->channel);
    if (client >= 0)
        reload(server, client);
}

/* --- drain and stop -------------------------------------------------------------------- */

static void drain(struct server *server)
{
    atomic_store(&server->draining, true);
    server->stop_at = clock_ms() + server->snapshot->settings->drain_timeout;
    for (size_t i = 0; i < server->worker_count; i++)
        worker_drain(server->workers[i]);
    log_say(LOG_LEVEL_INFO, "draining: nothing new is accepted, uploads in flight may finish");
    sd_notify(0, "STOPPING=1\nSTATUS=Draining: uploads in flight may finish");
}

static void stop(struct server *server, const char *why)
{
    server->stop_at = UINT64_MAX;
    for (size_t i = 0; i < server->worker_count; i++)
        worker_stop(server->workers[i]);
    log_say(LOG_LEVEL_WARNING, "%s: stopping at once, uploads in flight are cut off", why);
}

static void take_signal(struct server *server)
{
    struct signalfd_siginfo signal_info;
    if (read(server->signals, &signal_info, sizeof signal_info) != sizeof signal_info)
        return;
    if (signal_info.ssi_signo == SIGHUP)
        reload(server, -1);
    else if (!atomic_load(&server->draining))
        drain(server);
    else
        stop(server, "a second signal");
}

static int wait_ms(const struct server *server)
{
    if (!atomic_load(&server->draining) || server->stop_at == UINT64_MAX)
        return -1;
    uint64_t now = clock_ms();
    uint64_t left = server->stop_at > now ? server->stop_at - now : 0;
    return left > 60000 ? 60000 : (int)left;
}

void server_serve(struct server *server)
{
    struct pollfd fds[] = {{.fd = server->signals, .events = POLLIN},
                           {.fd = server->ended, .events = POLLIN},
                           {.fd = server->channel, .events = POLLIN}};
    while (server->ended_count < server->worker_count) {
        int ready = poll(fds, sizeof fds / sizeof *fds, wait_ms(server));
        if (ready > 0 && fds[0].revents)
            take_signal(server);
        if (ready > 0 && fds[2].revents)
            accept_reload_client(server);
        eventfd_t ended = 0;
        if (ready > 0 && fds[1].revents && eventfd_read(server->ended, &ended) == 0)
            server->ended_count += ended;
        if (wait_ms(server) == 0)
            stop(server, "drain_timeout has passed");
    }
}
