/* SPDX-License-Identifier: Apache-2.0 */
/* The record of one upload: what the log line, /uploads and the metrics are made of.
 *
 * An exchange makes one when it knows that the request is an upload, enters it when data may
 * flow, and leaves it with a verdict. Each worker has a registry of its own. Only the worker
 * writes; the admin thread reads: what is atomic changes at any time, `rule` and `store` in
 * uploads_decided(), everything else before uploads_enter() or inside uploads_leave(). */
#ifndef INTAKE_RECORD_H
#define INTAKE_RECORD_H

#include "intake/refusal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;

enum upload_verdict {
    UPLOAD_RUNNING,
    UPLOAD_STORED,   /* Glance answered 2xx */
    UPLOAD_ACCEPTED, /* the same of an import, which goes on after the answer */
    UPLOAD_REFUSED,  /* by this proxy; `reason` says why */
    UPLOAD_REJECTED, /* Glance answered something else; `glance_status` says what */
    UPLOAD_FAILED,   /* Glance unreachable, died, timed out; `reason` says which */
    UPLOAD_ABORTED   /* the client went away or stalled, or the proxy was stopped */
};

/* Which way into a store this is. Only the first two send data; the others are recorded to be told
 * of: every import, and of the last two what was refused or only watched. */
enum upload_door {
    UPLOAD_FILE,
    UPLOAD_STAGE, /* PUT .../stage: no store */
    UPLOAD_IMPORT,
    UPLOAD_LOCATIONS,
    UPLOAD_TASK
};

/* "upload", "stage", "import", "locations", "task": the log's event. */
const char *upload_door_name(enum upload_door door);

/* What was put right on the way, a bit each; X-Intake-Fixed names them in this order. */
enum upload_fix { FIX_STORE = 1, FIX_CONTENT_TYPE = 2, FIX_MULTIPART = 4, FIX_LENGTH = 8 };

/* "store, content-type", or "" */
void upload_fixes_text(unsigned fixes, char out[64]);

/* "stored", "refused", ... */
const char *upload_verdict_name(enum upload_verdict verdict);

enum { UPLOAD_AUDIT_TEXT = 704 };
struct upload;

/* What would have been changed, and what it would have been refused for, if the policy did not only
 * watch: "store, content-type, damaged_body", or "". X-Intake-Audit and the log have it. */
void upload_audit_text(const struct upload *upload, char out[UPLOAD_AUDIT_TEXT]);

struct upload {
    /* Set at birth or when found out, before uploads_enter(). Owned; NULL: not known. */
    char *request_id;
    char *client;
    char *project;
    char *image;
    char *store;
    char *rule;
    enum upload_door door;
    char *method; /* of an import: "web-download" */
    bool size_known;
    uint64_t size;     /* of the body, as the client announced it */
    uint64_t began_ms; /* clock_ms() */
    uint64_t began_wall_ms;

    /* Live. `step` is one of the exchange's step names, a string that lives for ever. */
    const char *_Atomic step;
    _Atomic uint64_t bytes;   /* handed to Glance */
    _Atomic uint64_t spooled; /* bytes kept on disk so far, of a body without a length */

    /* Set by the worker before uploads_leave(). */
    enum upload_verdict verdict;
    enum refusal reason;
    unsigned fixes;         /* enum upload_fix */
    uint64_t warnings;      /* refusal_bit() of each reason that was let pass */
    unsigned audit_fixes;   /* what would have been changed if the policy did not only watch, */
    uint64_t audit_reasons; /* and refused: as `fixes` and `warnings` */
    unsigned glance_status; /* 0: none came */
    char verified[16];      /* what was compared with Glance: "sha512", "size", "no"; "": nothing */
    char image_after[33];   /* the image's status after a failure of Glance's; "": not known */
    char *sha512;           /* hex, of what Glance was sent; NULL: not the whole body */

    /* Set by uploads_leave(). */
    double seconds;

    struct upload *next, *previous; /* the registry's */
};

/* NULL: no memory. Owned by the caller until uploads_leave(). */
struct upload *upload_new(const char *request_id, const char *client, const char *image);
void upload_free(struct upload *upload);

struct uploads;

enum { UPLOADS_FINISHED_KEPT = 100 };

/* A registry; it counts into `metrics` (borrowed). Entering and leaving are the worker's. */
struct uploads *uploads_new(struct metrics *metrics);
void uploads_free(struct uploads *uploads);

/* Shows it as in flight. */
void uploads_enter(struct uploads *uploads, struct upload *upload);

/* What the policy says of it, again if need be; copies both (`store` NULL: staged, or none yet).
 * False: no memory. */
bool uploads_decided(struct uploads *uploads, struct upload *upload, const char *rule,
                     const char *store);

/* Ends it, entered or not: one log line, metrics, and the list of the last hundred. The
 * registry owns it from here on. */
void uploads_leave(struct uploads *uploads, struct upload *upload);

/* The log line alone (proxy/stats/record_log.c): every field PRODUCT names, no secret. */
void upload_log(const struct upload *upload);

#endif
