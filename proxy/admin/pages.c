/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the pages for programs: health, readiness, metrics, uploads. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/body.h"
#include "intake/cluster.h"
#include "intake/fair_shares.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stores.h"
#include "intake/tls_identity.h"
#include "intake/upload_queue.h"
#include "intake/utf8.h"

#include <stdlib.h>
#include <string.h>

bool page_healthz(const struct page_context *context, struct buffer *out)
{
    (void)context;
    return buffer_append(out, "ok\n", 3);
}

/* Appends a string, cleaned for JSON. */
static bool list_problem(json_t *list, const char *problem)
{
    struct buffer clean;
    buffer_init(&clean, 3 * strlen(problem));
    bool listed = utf8_clean(problem, &clean) &&
                  !json_array_append_new(list, json_string(buffer_text(&clean)));
    buffer_free(&clean);
    return listed;
}

static json_t *list_problems(const char *const *diagnostics, size_t count)
{
    json_t *list = json_array();
    bool listed = list != NULL;
    for (size_t i = 0; i < count && listed; i++)
        listed = list_problem(list, diagnostics[i]);
    if (listed)
        return list;
    json_decref(list);
    return NULL;
}

json_t *readiness_json(const struct page_context *context)
{
    const char *diagnostics[READINESS_PROBLEMS_MAX];
    size_t count = readiness_problems(context->readiness, diagnostics);
    return json_pack("{s:b, s:o, s:o}", "ready", count == 0, "problems",
                     list_problems(diagnostics, count), "endpoints",
                     endpoints_json(context->sources->endpoints));
}

bool page_readyz(const struct page_context *context, struct buffer *out)
{
    json_t *document = readiness_json(context);
    char *text = document ? json_dumps(document, 0) : NULL;
    bool written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(document);
    return written;
}

static struct metrics_common common_metrics(const struct admin_sources *sources)
{
    struct snapshot *snapshot = sources->snapshot(sources->context);
    const struct metrics_common common = {
        .spool_bytes = spools_used(sources->spools),
        .hashing_ns = body_hashing_ns(),
        .uploads_queued = upload_queue_length(sources->upload_queue),
        .uploads_waiting_for_share = fair_shares_waiting(sources->fair_shares),
        .stores_missing = stores_missing(sources->stores, snapshot->policy, NULL),
        .log_lines_lost = log_lost(),
        .config_taken = sources->config->last_successful,
        .config_taken_ms = sources->config->last_success_ms,
        .tls_expires = tls_identity_expires(snapshot->tls)};
    snapshot_release(snapshot);
    return common;
}

bool page_metrics(const struct page_context *context, struct buffer *out)
{
    const struct admin_sources *sources = context->sources;
    const struct metrics_common common = common_metrics(sources);
    return metrics_text(sources->metrics, sources->registries, &common, out) &&
           endpoints_metrics(sources->endpoints, out) && peers_metrics(sources->cluster, out) &&
           process_metrics(out);
}

bool page_uploads(const struct page_context *context, struct buffer *out)
{
    return records_json(context->sources->records, context->sources->registries, out);
}
