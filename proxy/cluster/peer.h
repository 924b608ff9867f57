/* SPDX-License-Identifier: Apache-2.0 */
/* One peer: what it has told last, and whether it is silent. Used by the thread of cluster.c; other
 * threads only copy the view, with the cluster's lock. */
#ifndef CLUSTER_PEER_H
#define CLUSTER_PEER_H

#include "cluster/counts.h"
#include "intake/cluster.h"

struct peer {
    struct peer_view view;
    struct counts counts; /* what it has told last */
    uint64_t heard_ms;    /* clock_ms(); 0: never, or too long ago */
    unsigned missed;      /* questions in a row */
};

/* What has changed since the answer before. */
struct peer_news {
    bool ended;      /* reservations in stores */
    uint64_t stored; /* bytes */
};

/* It has answered. Takes over `counts`. */
struct peer_news peer_heard(struct peer *peer, struct counts *counts, const char *own_process,
                            uint64_t now_ms);

/* It has not; `why` is a clause. */
void peer_missed(struct peer *peer, const char *why, uint64_t now_ms);

/* Adds what it has in flight. False: no memory. */
bool peer_add(const struct peer *peer, struct counts *sum);

void peer_free(struct peer *peer); /* its content */

#endif
