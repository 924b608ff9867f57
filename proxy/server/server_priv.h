/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server share.
 *
 *   server.c   from its start to its end
 *   start.c    makes the workers, the admin listener and the health checks
 *   serve.c    waits for signals: drains, stops, reloads
 *   drain.c    ends the workers, gently or at once
 *   restart.c  lets a new process take over; successor.c starts it
 *   reload.c   reads the configuration again
 *   control.c  the socket by which a reload is asked for
 *   predecessor.c  the other side of a restart: the process that this one replaces
 *   worker.c   one worker
 *   shared.c   what all workers share
 *   secrets.c  keeps passwords out of freed memory and of cores
 */
#ifndef SERVER_PRIV_H
#define SERVER_PRIV_H

#include "intake/admin.h"
#include "intake/listener.h"
#include "intake/passed_sockets.h"
#include "intake/shared.h"
#include "server/successor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keeper;
struct server_start;
struct settings;
struct snapshot;

/* It only goes forward.
 *   HANDED_OVER  a new process accepts connections; those of this one are served to their end
 *   DRAINING     nothing new is accepted; requests in flight may finish
 *   STOPPING     all is cut off */
enum server_phase { SERVER_SERVING, SERVER_HANDED_OVER, SERVER_DRAINING, SERVER_STOPPING };

struct server {
    const struct server_start *start;
    pthread_mutex_t lock; /* guards `snapshot`: the admin and health threads take references, too */
    struct snapshot *snapshot;
    struct snapshot *started; /* the first one, of which sockets and threads were made */
    struct config_facts config;
    struct worker **workers;
    size_t worker_count;
    struct metrics **metrics; /* of each worker, and last those of dormant uploads */
    struct records **records; /* likewise */
    struct shared shared;
    struct health *health;
    struct keeper *keeper;
    struct cluster *cluster;
    struct admin *admin;
    bool admin_own;               /* glance-intake has opened its socket, and not systemd */
    struct passed_sockets passed; /* until the start is over */
    struct listening_sockets
        sockets; /* the workers own the descriptors, and close them in a drain */
    _Atomic enum server_phase phase;
    uint64_t stop_at; /* the end of the drain, in clock_ms() time; set in HANDED_OVER, DRAINING */
    struct successor successor;
    int predecessor; /* a channel (predecessor.h); -1: there is none, or it has ended */
    int signals;     /* a signalfd */
    int ended;       /* an eventfd that counts workers whose thread has ended */
    int channel;     /* the control socket, for reloads; -1: there is none */
    size_t ended_count;
};

/* start.c. False: the log says why. */
bool server_start(struct server *server);
void server_raise_file_limit(const struct settings *settings);

/* serve.c: returns when every worker has ended. */
void server_serve(struct server *server);

/* drain.c. drain: the workers end when nothing is left; `phase` is HANDED_OVER or DRAINING. stop:
 * they end at once; `why` is for the log. */
void server_drain(struct server *server, enum server_phase phase);
void server_stop(struct server *server, const char *why);

/* restart.c. begin: SIGUSR2. go_on: the new process has said something, or time has passed.
 * abandon: ends it, unless it serves. */
void restart_begin(struct server *server);
void restart_go_on(struct server *server);
void restart_abandon(struct server *server);
bool restart_is_under_way(const struct server *server);
bool restart_is_done(const struct server *server); /* this process has handed over */

#endif
