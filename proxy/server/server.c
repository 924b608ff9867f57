/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread: creates the workers and the admin listener, then waits for signals.
 *
 *   SIGTERM, SIGINT   drain: accept nothing, let uploads in flight finish; a second signal: stop
 *   SIGHUP            read the configuration again; if it has errors, the old one stays in force
 */
#include "intake/server.h"

#include "intake/admin.h"
#include "intake/clock.h"
#include "intake/diagnostics.h"
#include "intake/endpoints.h"
#include "intake/health.h"
#include "intake/listener.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/shared.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/worker.h"
#include "server/reload.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* How long the end of the program waits for the log to be written. */
enum { LOG_END_MS = 2000 };

struct server {
    const struct settings_sources *sources;
    pthread_mutex_t lock; /* guards `snapshot`: the admin and health threads take references, too */
    struct snapshot *snapshot;
    struct snapshot *started; /* the first one, of which sockets and threads were made */
    struct config_facts config;
    struct worker **workers;
    size_t worker_count;
    struct metrics **metrics;
    struct records **records;
    struct shared shared;
    struct health *health;
    struct admin *admin;
    atomic_bool draining;
    uint64_t stop_at; /* in clock_ms() time; set while draining. UINT64_MAX: already stopping */
    int signals;      /* a signalfd */
    int ended;        /* an eventfd that counts workers whose thread has ended */
    int channel;      /* the control socket, for reloads; -1: there is none */
    size_t ended_count;
};

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
static void raise_file_limit(const struct settings *settings)
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

/* Blocks the signals before any thread starts, so that only this thread receives them. */
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

/* --- reload ---------------------------------------------------------------------------- */

static void put_in_force(struct server *server, struct snapshot *next)
{
    const struct settings *settings = next->settings;
    if (!log_open(settings->log_format, settings->debug, settings->log_file))
        log_say(LOG_LEVEL_ERROR, "cannot open the log file %s: %s; the old one stays",
                settings->log_file, strerror(errno));
    raise_file_limit(settings);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_reload(server->workers[i], next);
    pthread_mutex_lock(&server->lock);
    struct snapshot *old = server->snapshot;
    server->snapshot = next;
    pthread_mutex_unlock(&server->lock);
    snapshot_release(old);
    health_reload(server->health);
    log_say(LOG_LEVEL_INFO, "the configuration was read again and is in force");
    stores_tell_missing(server->shared.stores, next->policy);
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

static void serve(struct server *server)
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

/* --- start to end ---------------------------------------------------------------------- */

static bool start(struct server *server)
{
    size_t workers = server->snapshot->settings->workers;
    server->workers = calloc(workers, sizeof *server->workers);
    server->metrics = calloc(workers, sizeof(struct metrics *));
    server->records = calloc(workers, sizeof(struct records *));
    if (!server->workers || !server->metrics || !server->records || !take_signals(server) ||
        !begin_log())
        return false;
    server->channel = channel_open();
    raise_file_limit(server->snapshot->settings);
    return begin_shared(server) && listen_and_make(server) && start_health(server) &&
           start_admin(server) && start_workers(server);
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
    bool started = start(&server);
    if (started) {
        report_ready(&server);
        serve(&server);
        log_say(LOG_LEVEL_INFO, "stopped");
    }
    tear_down(&server);
    curl_global_cleanup();
    log_end(LOG_END_MS);
    return started ? 0 : 1;
}
