/* SPDX-License-Identifier: Apache-2.0 */
/* The client edge: the only stage that knows libmicrohttpd and GnuTLS. One listener per worker. */
#ifndef INTAKE_LISTENER_H
#define INTAKE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct bind_address;
struct client_events;
struct listener;
struct loop;
struct metrics;
struct settings;
struct snapshot;

/* What a listener is made of. Borrowed for its whole life. */
struct listener_parts {
    struct loop *loop;
    struct metrics *metrics;
    const struct client_events *events;
    void *context;                               /* for client_events.opened */
    struct snapshot *(*snapshot)(void *context); /* the one in force, borrowed */
    _Atomic unsigned *connections;               /* of all workers together */
};

/* One socket per worker for each address, all in the address's SO_REUSEPORT group, listening.
 * `sockets` gets `workers` x `count` descriptors, by worker. False: an address is taken (also by
 * another glance-intake) or cannot be had; `error` says which and why, and nothing stays open. */
bool sockets_open(const struct bind_address *binds, size_t count, unsigned workers, int *sockets,
                  char *error, size_t error_size);

/* Why no listener could do its work in this program as it was linked; NULL: it can. */
const char *listener_fault(void);

/* Takes over the `count` sockets. NULL: it could not be started; the sockets are closed. */
struct listener *listener_new(const struct listener_parts *parts, const int *sockets, size_t count,
                              bool tls);

/* Accepts nothing any more, ends idle connections, and each other one after its request. */
void listener_drain(struct listener *listener);

bool listener_draining(const struct listener *listener);

/* Connections that are open. */
size_t listener_connections(const struct listener *listener);

/* Drops every connection (their clients are told `closed`) and frees. NULL is fine. */
void listener_free(struct listener *listener);

#endif
