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
struct passed_sockets;
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

/* A listening socket, and the worker that accepts from it, counted from 0. */
struct listening_socket {
    int fd;
    const struct bind_address *bind; /* borrowed */
    unsigned worker;
    bool shared; /* a duplicate of another worker's socket in the same list */
    bool own;    /* glance-intake has opened it, and not its service manager */
};

struct listening_sockets {
    struct listening_socket *all; /* owned, but not the descriptors in it: see sockets_open() */
    size_t count;
};

/* Opens listening sockets: one per worker for each address, in one SO_REUSEPORT group per address.
 * The workers share a unix socket; the file of one that nobody listens to any more is replaced.
 * Sockets in `passed` that are bound to an address are taken instead: a worker then has one or more
 * of them, and fewer than `workers` are shared.
 *
 * The caller owns the descriptors, and calls sockets_free(). False: an address is in use (perhaps
 * by another glance-intake) or is not available; `error` says which and why, and no socket stays
 * open. */
bool sockets_open(const struct bind_address *binds, size_t count, unsigned workers,
                  struct passed_sockets *passed, struct listening_sockets *sockets, char *error,
                  size_t error_size);

/* Frees the list. The descriptors stay open. */
void sockets_free(struct listening_sockets *sockets);

/* Removes the files of own unix sockets that nobody listens to. Call it when all descriptors are
 * closed. */
void sockets_remove_files(const struct listening_sockets *sockets);

/* Why no listener can work in this program as it was linked. NULL: it can. */
const char *listener_fault(void);

/* Takes over the `count` sockets. NULL: it could not be started, and the sockets are closed. */
struct listener *listener_new(const struct listener_parts *parts, const int *sockets, size_t count,
                              bool tls);

/* Stops accepting. Open connections may bring one more request; its answer closes them. */
void listener_stop_accepting(struct listener *listener);

/* The same, and closes idle connections. */
void listener_drain(struct listener *listener);

/* Whether no connection is open. One that has not brought its PROXY header yet is open, too. */
bool listener_is_empty(const struct listener *listener);

/* Drops every connection (each client gets `closed`) and frees. NULL is fine. */
void listener_free(struct listener *listener);

#endif
