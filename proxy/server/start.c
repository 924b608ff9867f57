/* SPDX-License-Identifier: Apache-2.0 */
/* Makes all that the server consists of. Signals are blocked before any thread starts, so that only
 * the main thread receives them. */
#include "server/server_priv.h"

#include "intake/control.h"
#include "intake/endpoints.h"
#include "intake/health.h"
#include "intake/listener.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/worker.h"
#include "server/reload.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

/* --- callbacks of other threads -------------------------------------------------------- */

static struct snapshot *snapshot_now(void *context)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    struct snapshot *snapshot = snapshot_hold(server->snapshot);
    pthread_mutex_unlock(&server->lock);
    return snapshot;
}

static bool is_draining(void *context)
{
    return atomic_load(&((struct server *)context)->draining);
}

/* --- start ----------------------------------------------------------------------------- */

/* An upload has one socket to its client. To Glance it has three sockets before it begins; later
 * one, and possibly a spool or a pipe. The constant is for hash pipes (64), listening sockets, logs
 * and libraries. */
void server_raise_file_limit(const struct settings *settings)
{
    rlim_t need = 4 * (rlim_t)settings->listen.max_connections + 384;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < need)
        log_say(LOG_LEVEL_WARNING,
                "max_connections = %u needs %llu open files, and only %llu are allowed: raise "
                "LimitNOFILE or lower max_connections",
                settings->listen.max_connections, (unsigned long long)need,
                (unsigned long long)limit.rlim_cur);
}

static bool make_workers(struct server *server, const int *sockets)
{
    const struct settings *settings = server->snapshot->settings;
    struct worker_parts parts = {.snapshot = server->snapshot,
                                 .socket_count = settings->listen.bind_count,
                                 .shared = &server->shared,
                                 .ended = server->ended};
    for (unsigned i = 0; i < settings->workers; i++) {
        parts.sockets = sockets + i * settings->listen.bind_count;
        struct worker *worker = worker_new(&parts);
        if (!worker)
            return false; /* the process ends, which closes the sockets of later workers */
        server->metrics[i] = worker_metrics(worker);
        server->records[i] = worker_records(worker);
        server->workers[server->worker_count++] = worker;
    }
    return true;
}

static bool listen_and_make(struct server *server)
{
    const struct settings *settings = server->snapshot->settings;
    size_t count = settings->listen.bind_count * settings->workers;
    const char *fault = listener_fault();
    if (fault) {
        log_say(LOG_LEVEL_ERROR, "%s", fault);
        return false;
    }
    int *sockets = calloc(count, sizeof *sockets);
    char error[256];
    if (!sockets)
        return false;
    bool good = sockets_open(settings->listen.binds, settings->listen.bind_count, settings->workers,
                             sockets, error, sizeof error);
    if (!good) {
        log_say(LOG_LEVEL_ERROR, "%s", error);
    } else {
        good = make_workers(server, sockets);
        if (!good)
            log_say(LOG_LEVEL_ERROR, "the workers could not be made: out of memory");
    }
    free(sockets);
    return good;
}

static bool start_admin(struct server *server)
{
    const struct bind_address *bind = &server->snapshot->settings->admin.bind;
    if (!bind->text)
        return true;
    const struct admin_sources sources = {.metrics = server->metrics,
                                          .records = server->records,
                                          .spools = server->shared.spools,
                                          .stores = server->shared.stores,
                                          .config = &server->config,
                                          .endpoints = server->shared.endpoints,
                                          .workers = server->worker_count,
                                          .snapshot = snapshot_now,
                                          .draining = is_draining,
                                          .context = server};
    char error[256] = "";
    server->admin = admin_start(bind, &sources, error, sizeof error);
    if (!server->admin)
        log_say(LOG_LEVEL_ERROR, "%s", error);
    return server->admin != NULL;
}

static bool start_workers(struct server *server)
{
    for (size_t i = 0; i < server->worker_count; i++)
        if (!worker_start(server->workers[i])) {
            log_say(LOG_LEVEL_ERROR, "the thread of a worker could not be started");
            return false;
        }
    return true;
}

/* From here on a slow reader of the log blocks no other thread. */
static bool begin_log(void)
{
    bool begun = log_begin();
    if (!begun)
        log_say(LOG_LEVEL_ERROR, "the thread that writes the log could not be started");
    return begun;
}

static bool begin_shared(struct server *server)
{
    bool begun = shared_begin(&server->shared);
    if (!begun)
        log_say(LOG_LEVEL_ERROR, "the threads for jobs could not be started");
    return begun;
}

static bool start_health(struct server *server)
{
    endpoints_configure(server->shared.endpoints, server->snapshot->settings);
    server->health = health_start(server->shared.endpoints, snapshot_now, server);
    if (!server->health)
        log_say(LOG_LEVEL_ERROR, "the thread for health checks could not be started");
    return server->health != NULL;
}

static bool take_signals(struct server *server)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    server->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return server->signals >= 0 && server->ended >= 0;
}

bool server_start(struct server *server)
{
    size_t workers = server->snapshot->settings->workers;
    server->workers = calloc(workers, sizeof *server->workers);
    server->metrics = calloc(workers, sizeof(struct metrics *));
    server->records = calloc(workers, sizeof(struct records *));
    if (!server->workers || !server->metrics || !server->records || !take_signals(server) ||
        !begin_log())
        return false;
    server->channel = channel_open();
    server_raise_file_limit(server->snapshot->settings);
    return begin_shared(server) && listen_and_make(server) && start_health(server) &&
           start_admin(server) && start_workers(server);
}
