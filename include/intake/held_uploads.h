/* SPDX-License-Identifier: Apache-2.0 */
/* The uploads that can be resumed, over all workers, by image.
 *
 * An upload is in this list from the moment at which Glance takes its data, or at which it has a
 * file for it (backing = spool). It is held while it has no client. The list finds an upload for a
 * request on any worker, and passes resumptions and orders to drop it to the upload's own worker.
 */
#ifndef INTAKE_HELD_UPLOADS_H
#define INTAKE_HELD_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct held_upload;
struct held_uploads;
struct kept_facts;
struct loop;
struct metrics;
struct records;
struct resumption;
struct spools;

/* Shared by all workers. NULL: no memory. */
struct held_uploads *held_uploads_new(void);
/* All uploads must have left. NULL is fine. */
void held_uploads_free(struct held_uploads *uploads);

/* A connection that was silent for this long gives way to another one. */
enum { HELD_SILENT_MS = 5000 };

/* Called in the upload's own worker. */
struct held_upload_events {
    /* A client wants to go on. The owner gets the reference. */
    void (*offered)(void *owner, struct resumption *resumption);
    /* End it. `why` completes "dropped: "; it is a string literal. */
    void (*dropped)(void *owner, const char *why);
};

struct held_upload_plan {
    const char *image;
    const char *store;   /* NULL: none was chosen */
    const char *project; /* NULL: not known */
    uint64_t length;     /* of the data as it is sent */
    uint64_t size;     /* by which the policy has chosen the store: of the image, if it is known */
    struct loop *loop; /* of the upload's worker */
    const struct held_upload_events *events;
    void *owner;
};

/* --- for the upload, in its own thread ------------------------------------------------------ */

/* Copies the strings. NULL: no memory. */
struct held_upload *held_upload_new(struct held_uploads *uploads,
                                    const struct held_upload_plan *plan);
void held_upload_free(struct held_upload *upload); /* NULL is fine */

/* Its client has sent bytes: it has `offset` of them now. */
void held_upload_moved(struct held_upload *upload, uint64_t offset);
/* Its client has nothing more now. */
void held_upload_waits(struct held_upload *upload);

struct held_limits {
    unsigned all, project;
};

/* It has lost its client, and waits until `expires_wall_ms` (clock_wall_ms()). If there are too
 * many then, the one that has waited longest is dropped. */
void held_upload_hold(struct held_upload *upload, uint64_t expires_wall_ms,
                      const struct held_limits *limits);
/* Its client was not silent for HELD_SILENT_MS. */
bool held_upload_is_moving(const struct held_upload *upload);
/* It has a client again. */
void held_upload_continue(struct held_upload *upload);

/* --- for everybody -------------------------------------------------------------------------- */

struct held_facts {
    uint64_t offset, length;  /* of the data as it is sent */
    uint64_t size;            /* as in the plan; of a dormant one the length */
    bool held;                /* it has no client */
    bool dormant;             /* it is on disk, and no exchange has it: offers are not taken */
    bool moving;              /* its client was not silent for HELD_SILENT_MS */
    bool same_store;          /* as the one that was asked for */
    uint64_t expires_wall_ms; /* while it is held */
};

/* False: there is no such upload. `store`: for `same_store`; may be NULL. */
bool held_uploads_find(struct held_uploads *uploads, const char *image, const char *store,
                       struct held_facts *facts);

/* Passes the resumption on, with a reference of its own. False: there is no such upload, or another
 * resumption is on its way to it. */
bool held_uploads_offer(struct held_uploads *uploads, const char *image,
                        struct resumption *resumption);

/* Ends the upload to this image, soon. `why` is a string literal. False: there is none. */
bool held_uploads_drop(struct held_uploads *uploads, const char *image, const char *why);

/* --- for kept uploads (kept_files.h) --------------------------------------------------------- */

/* From now on the list has dormant uploads, too: those on disk that no exchange has. Their bytes
 * are counted in `spools` (borrowed). `dropped` is called, with a lock held, when the files of one
 * are to be removed. False: no memory. */
bool held_uploads_keep(struct held_uploads *uploads, struct spools *spools,
                       void (*dropped)(void *context, const char *image), void *context);

/* Adds a dormant upload. It counts as held. False: no memory. */
bool held_uploads_add_dormant(struct held_uploads *uploads, const struct kept_facts *facts,
                              const struct held_limits *limits);

/* The case of `image` does not matter, as in some of Glance's databases. */
bool held_uploads_is_dormant(struct held_uploads *uploads, const char *image);
bool held_uploads_has(struct held_uploads *uploads, const char *image);

/* Drops those whose window has ended at `now_wall_ms` (clock_wall_ms()). */
void held_uploads_expire(struct held_uploads *uploads, uint64_t now_wall_ms);

/* Their records, and their share of the metrics. Borrowed. NULL before held_uploads_keep(). */
struct records *held_uploads_records(struct held_uploads *uploads);
struct metrics *held_uploads_metrics(struct held_uploads *uploads);

/* How many have no client now. */
size_t held_uploads_count(struct held_uploads *uploads);

#endif
