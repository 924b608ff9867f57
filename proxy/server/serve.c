/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread at work: it waits for signals and for reloads, and for the end of the workers.
 *
 *   SIGTERM, SIGINT   drain: accept nothing, let uploads in flight finish; a second signal: stop
 *   SIGHUP            read the configuration again; if it has errors, the old one stays in force
 *   SIGUSR2           a new process takes over (restart.c), and this one drains
 */
#include "server/server_priv.h"

#include "intake/clock.h"
#include "intake/cluster.h"
#include "intake/diagnostics.h"
#include "intake/fair_shares.h"
#include "intake/health.h"
#include "intake/log.h"
#include "intake/predecessor.h"
#include "intake/server.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/upload_queue.h"
#include "intake/usage_answers.h"
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

/* Also where nothing new is taken: the file may have been rotated. logrotate tells only the main
 * process, so each one tells that which it has replaced. */
static void reopen_log(const struct server *server, const struct settings *settings)
{
    predecessor_hang_up(server->predecessor);
    if (!log_open(settings->log_format, settings->debug, settings->log_file))
        log_say(LOG_LEVEL_ERROR, "cannot open the log file %s: %s; the old one stays",
                settings->log_file, strerror(errno));
}

static void put_in_force(struct server *server, struct snapshot *next)
{
    server_raise_file_limit(next->settings);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_reload(server->workers[i], next);
    pthread_mutex_lock(&server->lock);
    struct snapshot *old = server->snapshot;
    server->snapshot = next;
    pthread_mutex_unlock(&server->lock);
    fair_shares_reload(server->shared.fair_shares, next->policy);
    snapshot_release(old);
    usage_answers_forget(server->shared.usage_answers); /* perhaps it is another Glance */
    upload_queue_limit(server->shared.upload_queue, next->settings->glance.max_uploads);
    health_reload(server->health);
    cluster_reload(server->cluster);
}

/* `client` is the connection that waits for the result, or -1. */
static void reload(struct server *server, int client)
{
    struct reload reload;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_ms() * 1000);
    reload_read(&reload, server->start->sources, server->started, server->snapshot);
    reopen_log(server, (reload.snapshot ? reload.snapshot : server->snapshot)->settings);
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

/* After a restart systemd hears the new process, and not this one. */
static void stop_gently(struct server *server)
{
    restart_abandon(server);
    server_drain(server, SERVER_DRAINING);
    log_say(LOG_LEVEL_INFO, "draining: nothing new is accepted, uploads in flight may finish");
    if (!restart_is_done(server))
        sd_notify(0, "STOPPING=1\nSTATUS=Draining: uploads in flight may finish");
}

/* A process that has handed over only follows a rotated log. */
static void take_hangup(struct server *server)
{
    if (restart_is_done(server))
        reopen_log(server, server->snapshot->settings);
    else
        reload(server, -1);
}

static void take_signal(struct server *server)
{
    struct signalfd_siginfo signal_info;
    if (read(server->signals, &signal_info, sizeof signal_info) != sizeof signal_info)
        return;
    if (signal_info.ssi_signo == SIGHUP)
        take_hangup(server);
    else if (signal_info.ssi_signo == SIGUSR2)
        restart_begin(server);
    else if (server->phase < SERVER_DRAINING)
        stop_gently(server);
    else
        server_stop(server, "a second signal");
}

/* --- the predecessor ------------------------------------------------------------------- */

static void hear_predecessor(struct server *server)
{
    switch (predecessor_news(server->predecessor)) {
    case PREDECESSOR_SILENT:
        return;
    case PREDECESSOR_CONFIRMS:
        sd_notifyf(0, "READY=1\nMAINPID=%ld\nSTATUS=Serving", (long)getpid());
        return;
    case PREDECESSOR_ENDED:
        log_say(LOG_LEVEL_INFO, "process %ld, which this one has replaced, has ended",
                (long)predecessor_pid(server->predecessor));
        close(server->predecessor);
        server->predecessor = -1;
    }
}

/* --- waiting --------------------------------------------------------------------------- */

static bool drain_has_end(const struct server *server)
{
    return server->phase == SERVER_HANDED_OVER || server->phase == SERVER_DRAINING;
}

/* In clock_ms() time; UINT64_MAX: none. */
static uint64_t next_deadline(const struct server *server)
{
    uint64_t deadline = drain_has_end(server) ? server->stop_at : UINT64_MAX;
    if (restart_is_under_way(server) && server->successor.give_up_at < deadline)
        deadline = server->successor.give_up_at;
    return deadline;
}

static int wait_ms(const struct server *server)
{
    uint64_t deadline = next_deadline(server);
    if (deadline == UINT64_MAX)
        return -1;
    uint64_t now = clock_ms();
    uint64_t left = deadline > now ? deadline - now : 0;
    return left > 60000 ? 60000 : (int)left;
}

/* systemd ends all processes of a service when its main one has ended. So the predecessor may
 * finish its uploads first. */
static bool has_work(const struct server *server)
{
    return server->ended_count < server->worker_count ||
           (server->predecessor >= 0 && server->phase != SERVER_STOPPING);
}

/* What needs no signal. */
static void check_time(struct server *server)
{
    if (restart_is_under_way(server))
        restart_go_on(server);
    if (drain_has_end(server) && clock_ms() >= server->stop_at)
        server_stop(server, "drain_timeout has passed");
}

void server_serve(struct server *server)
{
    while (has_work(server)) {
        struct pollfd fds[] = {{.fd = server->signals, .events = POLLIN},
                               {.fd = server->ended, .events = POLLIN},
                               {.fd = server->channel, .events = POLLIN},
                               {.fd = server->predecessor, .events = POLLIN},
                               {.fd = restart_is_under_way(server) ? server->successor.channel : -1,
                                .events = POLLIN}};
        int ready = poll(fds, sizeof fds / sizeof *fds, wait_ms(server));
        if (ready > 0 && fds[0].revents)
            take_signal(server);
        eventfd_t ended = 0;
        if (ready > 0 && fds[1].revents && eventfd_read(server->ended, &ended) == 0)
            server->ended_count += ended;
        if (ready > 0 && fds[2].revents)
            accept_reload_client(server);
        if (ready > 0 && fds[3].revents)
            hear_predecessor(server);
        check_time(server);
    }
}
