/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server share.
 *
 *   server.c   from its start to its end
 *   start.c    makes the workers, the admin listener and the health checks
 *   serve.c    waits for signals: drains, stops, reloads
 *   reload.c   reads the configuration again
 *   control.c  the socket by which a reload is asked for
 *   worker.c   one worker
 *   shared.c   what all workers share
 */
#ifndef SERVER_PRIV_H
#define SERVER_PRIV_H

#include "intake/admin.h"
#include "intake/shared.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;
struct settings_sources;
struct snapshot;

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

/* start.c. False: the log says why. */
bool server_start(struct server *server);
void server_raise_file_limit(const struct settings *settings);

/* serve.c: returns when every worker has ended. */
void server_serve(struct server *server);

#endif
