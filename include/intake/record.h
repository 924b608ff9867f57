/* SPDX-License-Identifier: Apache-2.0 */
/* The record of one upload: what the log line, /uploads and the metrics are made of.
 *
 * An exchange makes one when it knows that the request is an upload, enters it when data may
 * flow, and leaves it with a verdict. Each worker has a registry of its own. Only the worker
 * writes; the admin thread reads: what is atomic changes at any time, `rule` and `store` in
 * records_decided(), everything else before records_enter() or inside records_leave(). */
#ifndef INTAKE_RECORD_H
#define INTAKE_RECORD_H

#include "intake/refusal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;

enum record_verdict {
    VERDICT_RUNNING,
    VERDICT_STORED,   /* Glance answered 2xx */
    VERDICT_ACCEPTED, /* the same of an import, which goes on after the answer */
    VERDICT_REFUSED,  /* by this proxy; `reason` says why */
    VERDICT_REJECTED, /* Glance answered something else; `glance_status` says what */
    VERDICT_FAILED,   /* Glance unreachable, died, timed out; `reason` says which */
    VERDICT_ABORTED   /* the client went away or stalled, or the proxy was stopped */
};

/* Which way into a store this is. Only the first two send data; the others are recorded to be told
 * of: every import, and of the last two what was refused or only watched. */
enum record_kind {
    RECORD_FILE,
    RECORD_STAGE, /* PUT .../stage: no store */
    RECORD_IMPORT,
    RECORD_LOCATIONS,
    RECORD_TASK
};

/* "upload", "stage", "import", "locations", "task": the log's event. */
const char *record_kind_name(enum record_kind kind);

/* What was put right on the way, a bit each; X-Intake-Fixed names them in this order. */
enum record_fix { FIX_STORE = 1, FIX_CONTENT_TYPE = 2, FIX_MULTIPART = 4, FIX_LENGTH = 8 };

/* "store, content-type", or "" */
void record_fixes_text(unsigned fixes, char out[64]);

/* "stored", "refused", ... */
const char *record_verdict_name(enum record_verdict verdict);

enum { RECORD_AUDIT_TEXT = 704 };
struct request_record;

/* What would have been changed, and what it would have been refused for, if the policy did not only
 * watch: "store, content-type, damaged_body", or "". X-Intake-Audit and the log have it. */
void record_audit_text(const struct request_record *record, char out[RECORD_AUDIT_TEXT]);

struct request_record {
    /* Set at birth or when found out, before records_enter(). Owned; NULL: not known. */
    char *request_id;
    char *client;
    char *project;
    char *image;
    char *store;
    char *rule;
    enum record_kind kind;
    char *method; /* of an import: "web-download" */
    bool size_known;
    uint64_t size;     /* of the body, as the client announced it */
    uint64_t began_ms; /* clock_ms() */
    uint64_t began_wall_ms;

    /* Live. `step` is one of the exchange's step names, a string that lives for ever. */
    const char *_Atomic step;
    _Atomic uint64_t bytes;   /* handed to Glance */
    _Atomic uint64_t spooled; /* bytes kept on disk so far, of a body without a length */

    /* Set by the worker before records_leave(). */
    enum record_verdict verdict;
    enum refusal reason;
    unsigned fixes;         /* enum record_fix */
    uint64_t warnings;      /* refusal_bit() of each reason that was let pass */
    unsigned audit_fixes;   /* what would have been changed if the policy did not only watch, */
    uint64_t audit_reasons; /* and refused: as `fixes` and `warnings` */
    unsigned glance_status; /* 0: none came */
    char verified[16];      /* what was compared with Glance: "sha512", "size", "no"; "": nothing */
    char image_after[33];   /* the image's status after a failure of Glance's; "": not known */
    char *sha512;           /* hex, of what Glance was sent; NULL: not the whole body */

    /* Set by records_leave(). */
    double seconds;

    struct request_record *next, *previous; /* the registry's */
};

/* NULL: no memory. Owned by the caller until records_leave(). */
struct request_record *record_new(const char *request_id, const char *client, const char *image);
void record_free(struct request_record *record);

struct records;

enum { RECORDS_FINISHED_KEPT = 100 };

/* A registry; it counts into `metrics` (borrowed). Entering and leaving are the worker's. */
struct records *records_new(struct metrics *metrics);
void records_free(struct records *records);

/* Shows it as in flight. */
void records_enter(struct records *records, struct request_record *record);

/* What the policy says of it, again if need be; copies both (`store` NULL: staged, or none yet).
 * False: no memory. */
bool records_decided(struct records *records, struct request_record *record, const char *rule,
                     const char *store);

/* Ends it, entered or not: one log line, metrics, and the list of the last hundred. The
 * registry owns it from here on. */
void records_leave(struct records *records, struct request_record *record);

/* The log line alone (proxy/stats/record_log.c): every field PRODUCT names, no secret. */
void record_log(const struct request_record *record);

#endif
