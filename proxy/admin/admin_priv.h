/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of proxy/admin/.
 *
 *   admin.c           the listener, and which page is asked for
 *   pages.c           writes the pages for programs: health, readiness, metrics, uploads
 *   status_page.c     writes the page for people
 *   readiness.c       whether the proxy is ready
 *   records_json.c    the records of all workers, as JSON
 *   endpoints_text.c  Glance's endpoints, as JSON and as metrics
 *   metrics_text.c    the counters of all workers, as text
 *   metrics_rows.c    the rows of each metric in that text */
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

/* --- records_json.c: the records of all workers, newest first ----------------------------- */

/* {"in_flight": [...], "finished": [...]}; NULL: no memory. Owned by the caller. */
json_t *records_collect(struct records *const *all, size_t count);

/* Appends the same as text. False: no memory. */
bool records_json(struct records *const *all, size_t count, struct buffer *out);

/* --- readiness.c: whether Glance is reachable; asks at most every two seconds ---------- */

enum { READINESS_WHY_MAX = 512, READINESS_PROBLEMS_MAX = 3 };

struct readiness_answer {
    bool glance;                     /* reachable */
    char why[READINESS_WHY_MAX];     /* if not reachable: a sentence */
    char missing[READINESS_WHY_MAX]; /* a sentence about stores that the policy names and Glance
                                        does not have; or "" */
    bool draining;
};

/* Lists the reasons for not being ready, as sentences without a full stop. Returns their number; 0:
 * ready. The texts are borrowed from `answer`. */
size_t readiness_problems(const struct readiness_answer *answer,
                          const char *diagnostics[READINESS_PROBLEMS_MAX]);

struct readiness;

/* Starts the thread that asks Glance. NULL: no memory, or no thread. `sources` is borrowed. */
struct readiness *readiness_start(const struct admin_sources *sources);

/* True: `out` is set. False: `connection` is suspended until there is an answer; then its handler
 * is called again. Only the daemon's thread may call this. */
bool readiness_ask(struct readiness *readiness, struct MHD_Connection *connection,
                   struct readiness_answer *out);

/* Stops the thread and resumes all suspended connections. Later calls of readiness_ask() return the
 * last answer. */
void readiness_stop(struct readiness *readiness);

/* Call it after the daemon has stopped. NULL is fine. */
void readiness_free(struct readiness *readiness);

/* --- pages.c: writes the pages. False: no memory, or the page would be too large ------- */

struct page_context {
    const struct admin_sources *sources;
    const struct readiness_answer *readiness; /* set only for pages that need it */
};

bool page_healthz(const struct page_context *context, struct buffer *out);
bool page_readyz(const struct page_context *context, struct buffer *out);
bool page_metrics(const struct page_context *context, struct buffer *out);
bool page_uploads(const struct page_context *context, struct buffer *out);

/* endpoints_text.c: Glance's endpoints, as JSON and as metrics. */
json_t *endpoints_json(struct endpoints *endpoints); /* owned by the caller; NULL: no memory */
bool endpoints_metrics(struct endpoints *endpoints, struct buffer *out);

/* status_page.c: the HTML page. */
bool page_status(const struct page_context *context, struct buffer *out);

#endif
