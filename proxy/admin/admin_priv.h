/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the admin stage share. */
#ifndef INTAKE_ADMIN_PRIV_H
#define INTAKE_ADMIN_PRIV_H

#include "intake/buffer.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct admin_sources;
struct endpoints;
struct metrics;
struct records;

enum { ADMIN_CONNECTIONS_MAX = 64 };

/* --- records_json.c: the uploads of all workers, newest first ----------------------------- */

/* {"in_flight": [...], "finished": [...]}; NULL: no memory. Owned by the caller. */
json_t *records_collect(struct records *const *all, size_t count);

/* The same as text; false: no memory. */
bool records_json(struct records *const *all, size_t count, struct buffer *out);

/* --- readiness.c: is Glance there, asked at most every two seconds --------------------- */

enum { READINESS_WHY_MAX = 512, READINESS_PROBLEMS_MAX = 3 };

struct readiness_answer {
    bool glance;                     /* reachable */
    char why[READINESS_WHY_MAX];     /* if not: a sentence */
    char missing[READINESS_WHY_MAX]; /* the policy's stores that are not there: likewise, or "" */
    bool draining;
};

/* What is in the way, a sentence each without its full stop: how many; 0: ready. */
size_t readiness_problems(const struct readiness_answer *answer,
                          const char *diagnostics[READINESS_PROBLEMS_MAX]);

struct readiness;

/* Starts the thread that asks. NULL: no memory, or no thread. `sources` is borrowed. */
struct readiness *readiness_start(const struct admin_sources *sources);

/* True: `out` is set. False: `connection` is suspended until there is an answer, and its handler
 * will be called again; only the daemon's own thread may call this. */
bool readiness_ask(struct readiness *readiness, struct MHD_Connection *connection,
                   struct readiness_answer *out);

/* Resumes whoever waits; from then on every question is answered with what is known. */
void readiness_stop(struct readiness *readiness);
void readiness_free(struct readiness *readiness); /* after the daemon; NULL is fine */

/* --- pages.c: what is shown. False: no memory, or the page would be too large ---------- */

struct page_context {
    const struct admin_sources *sources;
    const struct readiness_answer *readiness; /* set for pages that ask for it */
};

bool page_healthz(const struct page_context *context, struct buffer *out);
bool page_readyz(const struct page_context *context, struct buffer *out);
bool page_metrics(const struct page_context *context, struct buffer *out);
bool page_uploads(const struct page_context *context, struct buffer *out);

/* endpoints_text.c: Glance's endpoints, for each of these pages. */
json_t *endpoints_json(struct endpoints *endpoints); /* owned by the caller; NULL: no memory */
bool endpoints_metrics(struct endpoints *endpoints, struct buffer *out);

/* status_page.c: the page for people. */
bool page_status(const struct page_context *context, struct buffer *out);

#endif
