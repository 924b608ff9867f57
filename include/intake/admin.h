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
struct endpoints;
struct metrics;
struct snapshot;
struct spools;
struct stores;
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
    size_t workers;
    const struct spools *spools; /* this and the next members: of all workers */
    struct stores *stores;
    const struct config_facts *config;
    struct endpoints *endpoints;
    /* Returns the snapshot in force, with a reference for the caller. Thread-safe. */
    struct snapshot *(*snapshot)(void *context);
    bool (*draining)(void *context);
    void *context;
};

/* Listens on `bind` and answers until admin_stop(). Owned by the caller. NULL: it failed; `error`
 * (of `error_size` bytes) says why. */
struct admin *admin_start(const struct bind_address *bind, const struct admin_sources *sources,
                          char *error, size_t error_size);

void admin_stop(struct admin *admin); /* NULL is fine */

#endif
