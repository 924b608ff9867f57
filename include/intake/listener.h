/* SPDX-License-Identifier: Apache-2.0 */
/* The client side: the only folder that knows libmicrohttpd and GnuTLS. One listener per worker. */
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

/* What a listener needs. Borrowed for its whole life. */
struct listener_parts {
    struct loop *loop;
    struct metrics *metrics;
    const struct client_events *events;
    void *context;                               /* for client_events.opened */
    struct snapshot *(*snapshot)(void *context); /* the current one, borrowed */
    _Atomic unsigned *connections;               /* open connections of all workers */
};

/* Opens listening sockets: one per worker for each address, in one SO_REUSEPORT group per address.
 * `sockets` gets `workers` x `count` descriptors, grouped by worker. False: an address is in use
 * (perhaps by another glance-intake) or is not available; `error` says which and why, and no socket
 * stays open. */
bool sockets_open(const struct bind_address *binds, size_t count, unsigned workers, int *sockets,
                  char *error, size_t error_size);

/* Why no listener can work in this program as it was linked. NULL: it can. */
const char *listener_fault(void);

/* Takes over the `count` sockets. NULL: it could not be started, and the sockets are closed. */
struct listener *listener_new(const struct listener_parts *parts, const int *sockets, size_t count,
                              bool tls);

/* Stops accepting, closes idle connections, and closes the others after their current request. */
void listener_drain(struct listener *listener);

/* Number of open connections. */
size_t listener_connections(const struct listener *listener);

/* Drops every connection (each client gets `closed`) and frees. NULL is fine. */
void listener_free(struct listener *listener);

#endif
