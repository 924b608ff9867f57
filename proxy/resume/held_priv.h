/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the list of uploads that can be resumed.
 *
 *   held_row.c      the rows
 *   held_uploads.c  the list; uploads that are under way
 *   dormant.c       kept uploads that no exchange has */
#ifndef HELD_PRIV_H
#define HELD_PRIV_H

#include "intake/held_uploads.h"
#include "intake/list.h"
#include "intake/loop.h"

#include <pthread.h>
#include <stdatomic.h>

struct metrics;
struct records;
struct request_record;
struct spools;

struct held_upload {
    struct held_uploads *uploads;
    struct list place;
    char *image, *store, *project;
    uint64_t length, size; /* as in struct held_upload_plan */
    struct loop *loop;     /* NULL: it is dormant */
    const struct held_upload_events *events;
    void *owner;

    _Atomic uint64_t offset;
    _Atomic uint64_t waits_since; /* clock_ms(); 0: its client is sending */

    /* The lock protects the rest. */
    uint64_t held_since; /* clock_ms(); 0: it has a client */
    uint64_t expires_wall_ms;
    struct task task; /* brings the next two to the owner */
    bool sent;        /* the task is on its way */
    bool gone;        /* the owner has freed it meanwhile */
    struct resumption *offer;
    const char *drop;
    struct request_record *record; /* of a dormant one, for /uploads; NULL: no memory for it */
};

/* What dormant uploads need. NULL members: there are none. */
struct dormant_parts {
    struct spools *spools; /* count their bytes */
    struct metrics *metrics;
    struct records *records;
    void (*dropped)(void *context, const char *image);
    void *context;
};

struct held_uploads {
    pthread_mutex_t lock;
    struct list all;
    struct dormant_parts dormant;
};

/* In all functions below the lock is held. */

/* held_row.c */
/* A row that is not in the list. NULL: no memory. */
struct held_upload *held_row_new(struct held_uploads *uploads, const char *image, const char *store,
                                 const char *project);
void held_row_free(struct held_upload *upload);
/* The record of a dormant upload. NULL: no memory. */
struct request_record *dormant_record(const struct kept_facts *facts);
/* NULL: there is none. The case of `image` does not matter. */
struct held_upload *dormant_find(struct held_uploads *uploads, const char *image);
/* Ends the row. `why` as in held_uploads_drop(); NULL: another row goes on with it. */
void dormant_end(struct held_upload *upload, const char *why);
/* Ends that of the image, if there is one: another row goes on with it. */
void dormant_replace(struct held_uploads *uploads, const char *image);
void dormant_stop(struct held_uploads *uploads); /* frees what held_uploads_keep() has made */

/* held_uploads.c */
void held_keep_limits(struct held_uploads *uploads, const char *project,
                      const struct held_limits *limits);

#endif
