/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the end: the workers finish what they have begun, or are cut off. */
#include "server/server_priv.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/worker.h"

void server_drain(struct server *server, enum server_phase phase)
{
    bool first = server->phase == SERVER_SERVING;
    atomic_store(&server->phase, phase);
    if (first)
        server->stop_at = clock_ms() + server->snapshot->settings->drain_timeout;
    for (size_t i = 0; i < server->worker_count; i++)
        worker_drain(server->workers[i],
                     phase == SERVER_HANDED_OVER ? DRAIN_HANDED_OVER : DRAIN_STOPPING);
}

void server_stop(struct server *server, const char *why)
{
    atomic_store(&server->phase, SERVER_STOPPING);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_stop(server->workers[i]);
    log_say(LOG_LEVEL_WARNING, "%s: stopping at once, uploads in flight are cut off", why);
}
