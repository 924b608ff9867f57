/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of proxy/admin/.
 *
 *   admin.c               the listener, and which page is asked for
 *   answer.c              gives an answer to libmicrohttpd
 *   pages.c               writes the pages for programs: health, readiness, metrics, uploads
 *   status_json.c         writes what the page for people shows, as JSON
 *   status_page.c         writes the page for people, as it is without its script
 *   html.c                writes text and numbers into HTML
 *   page_files.c          the files of proxy/admin/page/
 *   readiness.c           whether the proxy is ready
 *   endpoints_text.c      Glance's endpoints, as JSON and as metrics
 *   peer_pages.c          the pages for other proxies
 *   gathering.c           gathers the uploads of all proxies for /uploads?all
 *   peers_text.c          the other proxies: that JSON, and metrics
 *   metrics_text.c        the counters of all workers, as text
 *   metrics_rows.c        the rows of each metric in that text
 *   metrics_histograms.c  those of the histograms
 *   process_metrics.c     the metrics of the process */
#ifndef INTAKE_ADMIN_PRIV_H
#define INTAKE_ADMIN_PRIV_H

#include "intake/buffer.h"

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_sources;
struct cluster;
struct endpoints;
struct metrics;
struct records;

enum { ADMIN_CONNECTIONS_MAX = 64 };

enum { ADMIN_PAGE_MAX = 32 << 20 }; /* bytes */

/* --- answer.c ---------------------------------------------------------------------------- */

/* Answers with a copy of the body. `signature` is for another proxy; NULL: none. */
enum MHD_Result admin_answer(struct MHD_Connection *connection, unsigned status, const char *type,
                             const char *body, size_t length, const char *signature);
enum MHD_Result admin_answer_text(struct MHD_Connection *connection, unsigned status,
                                  const char *text);

/* --- peer_pages.c ------------------------------------------------------------------------- */

bool is_peer_page(const char *path);
/* The question must be signed, and the answer is. */
enum MHD_Result peer_page_show(const struct admin_sources *sources,
                               struct MHD_Connection *connection, const char *path);

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

/* --- gathering.c: the uploads of all proxies, at most a second old ----------------------- */

struct gathering;

/* As readiness_start(), readiness_ask(), readiness_stop() and readiness_free(). `out` gets the
 * JSON; nothing: there was no memory. */
struct gathering *gathering_start(const struct admin_sources *sources);
bool gathering_ask(struct gathering *gathering, struct MHD_Connection *connection,
                   struct buffer *out);
void gathering_stop(struct gathering *gathering);
void gathering_free(struct gathering *gathering);

/* --- pages.c: writes the pages. False: no memory, or the page would be too large ------- */

struct page_context {
    const struct admin_sources *sources;
    const struct readiness_answer *readiness; /* set only for pages that need it */
};

bool page_healthz(const struct page_context *context, struct buffer *out);
bool page_readyz(const struct page_context *context, struct buffer *out);
bool page_metrics(const struct page_context *context, struct buffer *out);
bool page_uploads(const struct page_context *context, struct buffer *out);

/* {"ready": ..., "problems": [...], "endpoints": [...]}. Owned by the caller; NULL: no memory. */
json_t *readiness_json(const struct page_context *context);

/* endpoints_text.c: Glance's endpoints, as JSON and as metrics. */
json_t *endpoints_json(struct endpoints *endpoints); /* owned by the caller; NULL: no memory */
bool endpoints_metrics(struct endpoints *endpoints, struct buffer *out);

/* process_metrics.c: appends the metrics of the process. False: no memory, or `out` is full. */
bool process_metrics(struct buffer *out);

/* status_json.c: the state as JSON, and its list of refusals. The list is owned by the caller;
 * NULL: no memory. */
bool page_status_json(const struct page_context *context, struct buffer *out);
json_t *recent_refusals_json(const struct admin_sources *sources);

/* peers_text.c: the uploads of all proxies as JSON; blocks for a moment. Metrics of the peers.
 * False: no memory, or `out` is full. */
bool uploads_of_all(const struct admin_sources *sources, struct buffer *out);
bool peers_metrics(struct cluster *cluster, struct buffer *out);
json_t *peers_json(struct cluster *cluster); /* owned by the caller; NULL: no memory */

/* status_page.c: the HTML page. */
bool page_status(const struct page_context *context, struct buffer *out);

#endif
