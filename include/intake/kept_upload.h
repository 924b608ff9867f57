/* SPDX-License-Identifier: Apache-2.0 */
/* One kept upload in use (kept_files.h): its file is opened, filled, saved and closed by jobs of
 * the thread pool, so a slow disk does not delay the worker. The bytes go through a spool. */
#ifndef INTAKE_KEPT_UPLOAD_H
#define INTAKE_KEPT_UPLOAD_H

#include "intake/kept_files.h"

#include <stdbool.h>
#include <stdint.h>

struct kept_reader;
struct kept_upload;
struct loop;
struct spool;
struct spools;
struct thread_pool;

enum kept_state {
    KEPT_OPENING, /* `wake` follows */
    KEPT_OPEN,
    KEPT_IN_USE, /* another upload, perhaps of another process, has the file */
    KEPT_GONE,   /* there is none */
    KEPT_FULL,   /* there is no space on disk */
    KEPT_FAILED  /* the disk has failed, or there is no memory; the log has the error */
};

struct kept_plan {
    struct thread_pool *thread_pool;
    struct spools *spools;
    struct loop *loop;
    const char *spool_dir;
    uint64_t limit;     /* bytes of all spools together */
    uint64_t window_ms; /* for an upload that a killed process has left */
    void (*wake)(void *context);
    void *context;
};

/* Makes an empty upload with these facts, which are copied. What another upload to the image has
 * left is removed. NULL: no memory. */
struct kept_upload *kept_upload_create(const struct kept_plan *plan,
                                       const struct kept_facts *facts);

/* Opens what an earlier upload to the image has left. The image's id is copied. NULL: no memory. */
struct kept_upload *kept_upload_open(const struct kept_plan *plan, const char *image);

enum kept_state kept_upload_state(const struct kept_upload *upload);

/* After KEPT_OPEN: what the file has. Borrowed. */
const struct kept_facts *kept_upload_facts(const struct kept_upload *upload);
struct spool *kept_upload_spool(struct kept_upload *upload);

/* Writes the state, soon: the window's end is `expires_wall_ms`. */
void kept_upload_save(struct kept_upload *upload, uint64_t expires_wall_ms);

/* The same for the state that is written at the end. */
void kept_upload_expires(struct kept_upload *upload, uint64_t expires_wall_ms);

/* Reads the file while it is open, beside the spool. The caller frees the reader before the upload.
 * NULL: no memory, or no descriptor. */
struct kept_reader *kept_upload_reader(const struct kept_upload *upload);

enum kept_end {
    KEPT_STAYS, /* for a later upload */
    KEPT_GOES   /* it is removed */
};

/* Closes the file, soon. May be called in any state. NULL is fine. */
void kept_upload_free(struct kept_upload *upload, enum kept_end end);

#endif
