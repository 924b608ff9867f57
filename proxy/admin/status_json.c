/* SPDX-License-Identifier: Apache-2.0 */
/* Writes /status: all that the live page shows, as one JSON document. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/metrics.h"
#include "intake/reply.h"
#include "stats/records_json.h"

#include <stdlib.h>
#include <string.h>

/* --- refusals -------------------------------------------------------------------------- */

enum { TEXT_MAX = 4096 };

/* A text of the table of refusals as a client of curl gets it, with names in place of the values of
 * a request. NULL: no memory. */
static json_t *filled_in(const char *text)
{
    static const struct refusal_context nobody = {.request_id = "", .upload = true};
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    json_t *filled = reply_fill_in(text, &nobody, &out) ? json_string(buffer_text(&out)) : NULL;
    buffer_free(&out);
    return filled;
}

static json_t *minutes_json(const uint32_t counts[METRICS_RECENT_MINUTES])
{
    json_t *list = json_array();
    for (size_t i = 0; i < METRICS_RECENT_MINUTES && list; i++)
        if (json_array_append_new(list, json_integer(counts[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static uint64_t sum_of(const uint32_t counts[METRICS_RECENT_MINUTES])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRICS_RECENT_MINUTES; i++)
        sum += counts[i];
    return sum;
}

static json_t *refusal_json(enum refusal reason, const uint32_t counts[METRICS_RECENT_MINUTES])
{
    const struct refusal_row *row = refusal_row(reason);
    return json_pack("{s:s, s:i, s:I, s:o, s:o, s:o}", "reason", row->name, "status",
                     (int)row->status, "count", (json_int_t)sum_of(counts), "per_minute",
                     minutes_json(counts), "message", filled_in(row->message), "hint",
                     filled_in(row->hint));
}

/* Those that there were in the last hour, in the order of the table. NULL: no memory. */
json_t *recent_refusals_json(const struct admin_sources *sources)
{
    struct recent_refusals recent;
    metrics_recent_refusals(sources->metrics, sources->registries, &recent);
    json_t *list = json_array();
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT && list; i++) {
        if (sum_of(recent.counts[i]) == 0)
            continue;
        if (json_array_append_new(list, refusal_json((enum refusal)i, recent.counts[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* --- the document ---------------------------------------------------------------------- */

bool page_status_json(const struct page_context *context, struct buffer *out)
{
    const struct admin_sources *sources = context->sources;
    json_t *document = readiness_json(context);
    json_t *records = records_collect(sources->records, sources->registries);
    bool written = document && records && json_object_update(document, records) == 0 &&
                   json_object_set_new(document, "version", json_string(INTAKE_VERSION)) == 0 &&
                   json_object_set_new(document, "peers", peers_json(sources->cluster)) == 0 &&
                   json_object_set_new(document, "refusals", recent_refusals_json(sources)) == 0;
    char *text = written ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(records);
    json_decref(document);
    return written;
}
