/* SPDX-License-Identifier: Apache-2.0 */
/* A restart without a gap. A new process gets the listening sockets of this one, so none is ever
 * closed: connections that wait in the kernel's queues wait for either. It reads the configuration
 * afresh. When it serves, this process stops accepting and drains. If it fails, this one goes on.
 */
#include "server/server_priv.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/server.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* A policy may be on a slow disk. */
enum { READY_TIMEOUT_MS = 30000 };

bool restart_is_under_way(const struct server *server)
{
    return server->successor.alive && server->successor.state == SUCCESSOR_STARTING;
}

bool restart_is_done(const struct server *server)
{
    return server->successor.alive && server->successor.state == SUCCESSOR_READY;
}

static void report_failure(struct server *server)
{
    const char *why = server->successor.why;
    log_say(LOG_LEVEL_ERROR,
            "the restart failed, and this process, %ld, goes on with the old configuration: %s",
            (long)getpid(), why);
    sd_notifyf(0, "STATUS=Serving; a restart failed: %s", why);
}

/* Returns how many sockets there are in `out`, which has space for all of them. */
static size_t collect_sockets(const struct server *server, struct passed_on *out)
{
    size_t count = 0;
    for (size_t i = 0; i < server->sockets.count; i++) {
        const struct listening_socket *socket = &server->sockets.all[i];
        if (!socket->shared)
            out[count++] = (struct passed_on){socket->fd, socket->own ? PASSED_OWN : PASSED_OTHER};
    }
    if (server->admin)
        out[count++] = (struct passed_on){admin_socket(server->admin),
                                          server->admin_own ? PASSED_OWN : PASSED_OTHER};
    return count;
}

static void start_successor(struct server *server)
{
    struct passed_on *sockets = calloc(server->sockets.count + 1, sizeof *sockets);
    if (!sockets) {
        log_say(LOG_LEVEL_ERROR, "the restart failed: out of memory");
        return;
    }
    size_t count = collect_sockets(server, sockets);
    if (!successor_start(&server->successor, server->start->arguments, sockets, count,
                         READY_TIMEOUT_MS))
        report_failure(server);
    free(sockets);
}

void restart_begin(struct server *server)
{
    if (server->phase != SERVER_SERVING) {
        log_say(LOG_LEVEL_WARNING, "SIGUSR2 is ignored: process %ld accepts nothing any more",
                (long)getpid());
        return;
    }
    if (restart_is_under_way(server)) {
        log_say(LOG_LEVEL_WARNING, "SIGUSR2 is ignored: process %ld is already starting",
                (long)server->successor.pid);
        return;
    }
    log_say(LOG_LEVEL_INFO, "restart: process %ld starts %s, which is to take over", (long)getpid(),
            server->start->arguments[0]);
    sd_notify(0, "STATUS=Serving; a restart is under way");
    start_successor(server);
}

/* systemd must know the new main process before it says anything. */
static void hand_over(struct server *server)
{
    const struct successor *successor = &server->successor;
    sd_notifyf(0, "MAINPID=%ld", (long)successor->pid);
    server_drain(server, SERVER_HANDED_OVER);
    if (server->admin)
        admin_stop_accepting(server->admin);
    if (server->channel >= 0)
        close(server->channel);
    server->channel = -1;
    successor_confirm(successor);
    log_say(LOG_LEVEL_INFO,
            "restart: process %ld serves from now on; process %ld lets its uploads finish",
            (long)successor->pid, (long)getpid());
}

void restart_go_on(struct server *server)
{
    successor_update(&server->successor);
    if (server->successor.state == SUCCESSOR_READY)
        hand_over(server);
    if (server->successor.state != SUCCESSOR_FAILED)
        return;
    report_failure(server);
    successor_end(&server->successor);
}

void restart_abandon(struct server *server)
{
    if (!restart_is_under_way(server))
        return;
    log_say(LOG_LEVEL_WARNING, "the restart is abandoned: process %ld stops instead",
            (long)getpid());
    successor_end(&server->successor);
}
