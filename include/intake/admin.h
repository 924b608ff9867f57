/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener: a thread of its own, reading what the workers publish. */
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

/* Of reading the configuration: the last time, and the last one that was taken. */
struct config_facts {
    atomic_bool last_successful;
    _Atomic uint64_t last_success_ms; /* clock_wall_ms() */
};

/* What it shows. Borrowed; must outlive the admin. */
struct admin_sources {
    struct metrics *const *metrics;
    struct records *const *records;
    size_t workers;
    const struct spools *spools; /* all workers', as are */
    struct stores *stores;
    const struct config_facts *config;
    struct endpoints *endpoints;
    /* The snapshot in force, with a reference for the caller. */
    struct snapshot *(*snapshot)(void *context);
    bool (*draining)(void *context);
    void *context;
};

/* Listens on `bind` and answers until admin_stop(). NULL: the address cannot be had; `error`
 * (of `error_size` bytes) says why. */
struct admin *admin_start(const struct bind_address *bind, const struct admin_sources *sources,
                          char *error, size_t error_size);

void admin_stop(struct admin *admin); /* NULL is fine */

#endif
