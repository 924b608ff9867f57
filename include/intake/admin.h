/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener: a separate thread that shows the state of the workers. */
#ifndef INTAKE_ADMIN_H
#define INTAKE_ADMIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin;
struct bind_address;
struct cluster;
struct endpoints;
struct fair_shares;
struct metrics;
struct snapshot;
struct spools;
struct stores;
struct upload_queue;
struct records;

/* The results of reloads. */
struct config_facts {
    atomic_bool last_successful;      /* the last reading of the configuration was accepted */
    _Atomic uint64_t last_success_ms; /* when one was last accepted, in clock_wall_ms() time */
};

/* The data that the pages show. Borrowed; must outlive the admin listener. */
struct admin_sources {
    struct metrics *const *metrics;
    struct records *const *records;
    size_t registries;           /* of metrics and of records: one of each worker, and one more */
    const struct spools *spools; /* this and the next members: of all workers */
    struct stores *stores;
    const struct config_facts *config;
    struct endpoints *endpoints;
    struct upload_queue *upload_queue; /* NULL: nothing waits; likewise the next one */
    struct fair_shares *fair_shares;
    struct cluster *cluster; /* NULL: there are no other proxies */
    /* Returns the snapshot in force, with a reference for the caller. Thread-safe. */
    struct snapshot *(*snapshot)(void *context);
    bool (*draining)(void *context);
    void *context;
};

/* Listens on `bind` and answers until admin_stop(). `passed` is a socket that listens there
 * already, which is taken over, or -1. Owned by the caller. NULL: it failed; `error` (of
 * `error_size` bytes) says why. */
struct admin *admin_start(const struct bind_address *bind, int passed,
                          const struct admin_sources *sources, char *error, size_t error_size);

/* The listening socket, borrowed. -1: admin_stop_accepting() was called. */
int admin_socket(const struct admin *admin);

/* Closes the listening socket, without shutdown(2): another process may listen to it. Open
 * connections get one more answer. */
void admin_stop_accepting(struct admin *admin);

void admin_stop(struct admin *admin); /* NULL is fine */

#endif
