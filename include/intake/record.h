/* SPDX-License-Identifier: Apache-2.0 */
/* The request record of one upload or ingest: the source of the log line, of /uploads, and of the
 * metrics.
 *
 * An exchange creates a record when it knows that the request is an upload, enters it when data may
 * flow, and leaves it with a verdict. Each worker has its own registry. Only the worker writes; the
 * admin thread reads. Atomic members change at any time, `rule` and `store` in records_decided(),
 * all others only before records_enter() or before records_leave() ends. */
#ifndef INTAKE_RECORD_H
#define INTAKE_RECORD_H

#include "intake/list.h"
#include "intake/log.h"
#include "intake/refusal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct metrics;

enum record_verdict {
    VERDICT_RUNNING,
    VERDICT_STORED,   /* Glance answered 2xx */
    VERDICT_ACCEPTED, /* the same for an import, which continues after the answer */
    VERDICT_REFUSED,  /* by this proxy; `reason` says why */
    VERDICT_REJECTED, /* Glance answered something else; `glance_status` says what */
    VERDICT_FAILED,   /* Glance unreachable, died, timed out; `reason` says which */
    VERDICT_ABORTED,  /* the client went away or stalled, or the proxy was stopped */
    VERDICT_ANSWERED  /* not of a record: another request that had its whole answer */
};

/* The kind of request. Only the first two send data. Imports are always recorded; the last two only
 * if they were refused, or noted by audit mode. */
enum record_kind {
    RECORD_FILE,
    RECORD_STAGE, /* PUT .../stage: no store */
    RECORD_IMPORT,
    RECORD_LOCATIONS,
    RECORD_TASK
};

/* "upload", "stage", "import", "locations", "task": the name of the log event. */
const char *record_kind_name(enum record_kind kind);

/* Where the data of an upload is at the moment. */
enum record_state {
    RECORD_SENDING,  /* it goes on to Glance as it comes, or from the disk */
    RECORD_QUEUED,   /* it waits for a place at an endpoint of Glance, or for its share */
    RECORD_SPOOLING, /* it goes to disk */
    RECORD_HELD      /* it has lost its client, and waits for another one */
};

/* "sending", "queued", "spooling", "held" */
const char *record_state_name(enum record_state state);

/* What the proxy fixed in a request, one bit each. X-Intake-Fixed names them in this order. */
enum record_fix {
    FIX_STORE = 1,
    FIX_CONTENT_TYPE = 2,
    FIX_MULTIPART = 4,
    FIX_LENGTH = 8,
    FIX_COMPRESSED = 16
};

/* Writes "store, content-type", or "". */
void record_fixes_text(unsigned fixes, char out[64]);

/* "stored", "refused", ... and the level of the log line */
const char *record_verdict_name(enum record_verdict verdict);
enum log_level record_verdict_level(enum record_verdict verdict);

enum { RECORD_AUDIT_TEXT = 1216 };
struct request_record;

/* Writes what would have been fixed or refused without audit mode, such as "store, damaged_body";
 * "" if nothing would. X-Intake-Audit and the log show it. */
void record_audit_text(const struct request_record *record, char out[RECORD_AUDIT_TEXT]);

struct request_record {
    /* Set before records_enter(). Strings are owned; NULL: not known. */
    char *request_id;
    char trace_id[33]; /* of traceparent; "": none */
    char *client;
    char *project;
    char *image;
    char *image_name; /* at most RECORD_NAME_MAX bytes; its last character may be cut */
    char *store;
    char *rule;
    enum record_kind kind;
    char *method;  /* imports only: "web-download" */
    bool unlogged; /* access_log = off: it has no log line */
    bool size_known;
    uint64_t size;     /* of the body in bytes, as the client announced it */
    uint64_t began_ms; /* clock_ms() */
    uint64_t began_wall_ms;

    /* Change at any time. `step` is the name of a step of the exchange, a string literal. */
    const char *_Atomic step;
    _Atomic enum record_state state;
    _Atomic uint64_t bytes;     /* sent to Glance */
    _Atomic uint64_t queued_ms; /* spent waiting for a place or a share, without the current wait */
    _Atomic uint64_t spooled;   /* bytes of a body without a length that are on disk */
    _Atomic uint64_t warnings;  /* refusal_bit() of each violation that only warns */

    /* Set by the worker before records_leave(). */
    enum record_verdict verdict;
    unsigned resumed; /* how many times a client went on with it */
    enum refusal reason;
    unsigned fixes;         /* enum record_fix */
    unsigned audit_fixes;   /* what would have been fixed without audit mode, */
    uint64_t audit_reasons; /* and refused for; as `fixes` and `warnings` */
    unsigned glance_status; /* 0: no answer */
    unsigned attempts;      /* how many times it was sent to Glance: at most twice */
    char verified[16]; /* what was compared with Glance: "sha512", "size", "no"; "": not verified */
    char image_after[33]; /* the image's status after a failure of Glance; "": not known */
    char *sha512;         /* hex, of the bytes sent to Glance; NULL: the body was not sent whole */

    /* Set by records_leave(). */
    double seconds; /* from record_new() on */

    struct list place; /* owned by the registry */
};

/* Copies the strings. NULL: no memory. Owned by the caller until records_leave(). */
struct request_record *record_new(const char *request_id, const char *client, const char *image);
void record_free(struct request_record *record);

/* Glance's image names have at most 255 characters, each of at most 4 bytes. */
enum { RECORD_NAME_MAX = 1020 };

/* Copies the owner and the name of the image; each may be NULL. By the worker, before
 * records_enter(). False: no memory. */
bool record_describe_image(struct request_record *record, const char *owner, const char *name);

/* By the worker. */
void record_set_state(struct request_record *record, enum record_state state);

struct records;

enum { RECORDS_FINISHED_KEPT = 100 };

/* A registry of records. It counts in `metrics` (borrowed). Only the worker's thread may enter and
 * leave records. NULL: no memory. */
struct records *records_new(struct metrics *metrics);
void records_free(struct records *records);

/* Adds the record to those in flight. The caller still owns it. */
void records_enter(struct records *records, struct request_record *record);

/* Sets the rule and store that the policy decided, also a second time. Copies both (`store` NULL:
 * staged, or not decided yet). False: no memory. */
bool records_decided(struct records *records, struct request_record *record, const char *rule,
                     const char *store);

/* Ends the record, entered or not: writes the log line unless it is unlogged, counts it, and adds
 * it to the last hundred. The registry owns it from here on. */
void records_leave(struct records *records, struct request_record *record);

/* Takes a record out that was entered, without counting or logging it, and frees it. */
void records_withdraw(struct records *records, struct request_record *record);

/* Appends the records of all workers as one JSON document, newest first:
 * {"in_flight": [...], "finished": [...]}. Thread-safe. False: no memory, or `out` is full. */
bool records_json(struct records *const *all, size_t count, struct buffer *out);

/* The same for one image, at most RECORDS_FINISHED_KEPT of each kind, and without the addresses of
 * clients: everybody who sees the image may read this. The case of `image` does not matter, since
 * it does not in some of Glance's databases. */
bool records_json_of_image(struct records *const *all, size_t count, const char *image,
                           struct buffer *out);

/* Writes only the log line (proxy/stats/record_log.c), with all documented fields. It has no
 * secrets. */
void record_log(const struct request_record *record);

#endif
