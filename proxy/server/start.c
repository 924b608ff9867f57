/* SPDX-License-Identifier: Apache-2.0 */
/* Makes all that the server consists of. Signals are blocked before any thread starts, so that only
 * the main thread receives them. */
#include "server/server_priv.h"

#include "intake/cluster.h"
#include "intake/control.h"
#include "intake/endpoints.h"
#include "intake/fair_shares.h"
#include "intake/health.h"
#include "intake/held_uploads.h"
#include "intake/keeper.h"
#include "intake/keystone.h"
#include "intake/listener.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/upload_queue.h"
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
    return atomic_load(&((struct server *)context)->phase) != SERVER_SERVING;
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

/* Collects the sockets of one worker. Returns how many there are. */
static size_t sockets_of(const struct listening_sockets *sockets, unsigned worker, int *out)
{
    size_t count = 0;
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->all[i].worker == worker)
            out[count++] = sockets->all[i].fd;
    return count;
}

/* One registry of each worker, and one of the dormant uploads. */
static size_t records_count(const struct server *server)
{
    return server->snapshot->settings->workers + 1;
}

static bool make_workers(struct server *server)
{
    int *sockets = calloc(server->sockets.count, sizeof *sockets);
    struct worker_parts parts = {.snapshot = server->snapshot,
                                 .sockets = sockets,
                                 .shared = &server->shared,
                                 .all_records = server->records,
                                 .records = records_count(server),
                                 .ended = server->ended};
    for (unsigned i = 0; sockets && i < server->snapshot->settings->workers; i++) {
        parts.socket_count = sockets_of(&server->sockets, i, sockets);
        struct worker *worker = worker_new(&parts);
        if (!worker)
            break; /* the process ends, which closes the sockets of later workers */
        server->metrics[i] = worker_metrics(worker);
        server->records[i] = worker_records(worker);
        server->workers[server->worker_count++] = worker;
    }
    free(sockets);
    return server->worker_count == server->snapshot->settings->workers;
}

static bool listen_and_make(struct server *server)
{
    const struct settings *settings = server->snapshot->settings;
    const char *fault = listener_fault();
    char error[256];
    if (fault) {
        log_say(LOG_LEVEL_ERROR, "%s", fault);
        return false;
    }
    if (!sockets_open(settings->listen.binds, settings->listen.bind_count, settings->workers,
                      &server->passed, &server->sockets, error, sizeof error)) {
        log_say(LOG_LEVEL_ERROR, "%s", error);
        return false;
    }
    bool made = make_workers(server);
    if (!made)
        log_say(LOG_LEVEL_ERROR, "the workers could not be made: out of memory");
    return made;
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
                                          .upload_queue = server->shared.upload_queue,
                                          .fair_shares = server->shared.fair_shares,
                                          .cluster = server->cluster,
                                          .registries = records_count(server),
                                          .snapshot = snapshot_now,
                                          .draining = is_draining,
                                          .context = server};
    char error[256] = "";
    server->admin_own = true; /* unless it was passed */
    int passed = passed_sockets_take(&server->passed, (const struct sockaddr *)&bind->address,
                                     &server->admin_own);
    server->admin = admin_start(bind, passed, &sources, error, sizeof error);
    if (!server->admin)
        log_say(LOG_LEVEL_ERROR, "%s", error);
    return server->admin != NULL;
}

/* A socket of the process before is closed. Nobody would accept what comes to one of systemd. */
static bool settle_passed(struct server *server)
{
    char address[256];
    for (size_t i = 0; i < server->passed.count; i++) {
        const struct passed_socket *socket = &server->passed.all[i];
        if (socket->fd < 0)
            continue;
        passed_socket_address(socket, address, sizeof address);
        if (!socket->own) {
            log_say(LOG_LEVEL_ERROR,
                    "a socket for %s was passed (LISTEN_FDS), which neither [listen] bind nor "
                    "[admin] bind names: add it there, or remove it from the .socket unit",
                    address);
            return false;
        }
        log_say(LOG_LEVEL_INFO, "no longer listening on %s, which is not configured any more",
                address);
    }
    passed_sockets_free(&server->passed);
    return true;
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

static bool make_keystone(struct server *server)
{
    if (!server->snapshot->settings->keystone.auth_url)
        return true;
    server->shared.keystone = keystone_new(server->snapshot->settings);
    if (!server->shared.keystone)
        log_say(LOG_LEVEL_ERROR, "logins could not be prepared: out of memory");
    return server->shared.keystone != NULL;
}

static bool start_health(struct server *server)
{
    endpoints_configure(server->shared.endpoints, server->snapshot->settings);
    upload_queue_limit(server->shared.upload_queue, server->snapshot->settings->glance.max_uploads);
    fair_shares_reload(server->shared.fair_shares, server->snapshot->policy);
    server->health = health_start(server->shared.endpoints, snapshot_now, server);
    if (!server->health)
        log_say(LOG_LEVEL_ERROR, "the thread for health checks could not be started");
    return server->health != NULL;
}

static bool start_cluster(struct server *server)
{
    const struct cluster_parts parts = {.capacity = server->shared.capacity,
                                        .quota_reservations = server->shared.quota_reservations,
                                        .snapshot = snapshot_now,
                                        .context = server};
    server->cluster = cluster_start(&parts);
    if (!server->cluster)
        log_say(LOG_LEVEL_ERROR, "the thread for the other proxies could not be started");
    return server->cluster != NULL;
}

static bool take_signals(struct server *server)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR2);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    server->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return server->signals >= 0 && server->ended >= 0;
}

/* Before other threads start, since it changes the environment. */
static bool read_passed(struct server *server)
{
    char error[256];
    bool read = passed_sockets_read(&server->passed, error, sizeof error);
    if (!read)
        log_say(LOG_LEVEL_ERROR, "%s", error);
    return read;
}

/* Before a worker runs: a client that comes at once finds its upload. */
static bool start_keeper(struct server *server)
{
    struct held_uploads *uploads = server->shared.held_uploads;
    size_t last = server->snapshot->settings->workers;
    server->keeper = keeper_start(uploads, server->shared.spools, snapshot_now, server);
    if (!server->keeper)
        log_say(LOG_LEVEL_ERROR, "the thread that looks after kept uploads could not be started");
    server->metrics[last] = held_uploads_metrics(uploads);
    server->records[last] = held_uploads_records(uploads);
    return server->keeper != NULL;
}

bool server_start(struct server *server)
{
    size_t workers = server->snapshot->settings->workers;
    server->workers = calloc(workers, sizeof *server->workers);
    server->metrics = calloc(workers + 1, sizeof(struct metrics *));
    server->records = calloc(workers + 1, sizeof(struct records *));
    if (!server->workers || !server->metrics || !server->records || !take_signals(server) ||
        !read_passed(server) || !begin_log())
        return false;
    server->channel = channel_open();
    server_raise_file_limit(server->snapshot->settings);
    return begin_shared(server) && make_keystone(server) && start_keeper(server) &&
           listen_and_make(server) && start_health(server) && start_cluster(server) &&
           start_admin(server) && settle_passed(server) && start_workers(server);
}
