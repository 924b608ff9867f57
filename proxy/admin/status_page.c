/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the page for people: proxy/admin/page/index.html with the state of this moment in it. The
 * page's script puts the live state in its place. Without the script this one stays, and the page
 * is loaded again every ten seconds. All text from clients and from Glance is escaped. */
#include "admin/admin_priv.h"
#include "admin/page_files.h"
#include "intake/admin.h"
#include "intake/endpoints.h"
#include "intake/html.h"
#include "stats/records_json.h"

#include <string.h>

/* --- the cells of the tables ----------------------------------------------------------- */

typedef bool write_cell(struct buffer *out, const json_t *upload, const char *key);

static bool text_cell(struct buffer *out, const json_t *upload, const char *key)
{
    const char *text = json_string_value(json_object_get(upload, key));
    return put_escaped(out, text ? text : "");
}

/* Writes "the name <small>the id</small>", or the id alone. */
static bool image_cell(struct buffer *out, const json_t *upload, const char *key)
{
    const char *name = json_string_value(json_object_get(upload, "name"));
    if (!name || !*name)
        return text_cell(out, upload, key);
    return put(out, "<bdi>") && put_escaped(out, name) && put(out, "</bdi> <small>") &&
           text_cell(out, upload, key) && put(out, "</small>");
}

static bool duration_cell(struct buffer *out, const json_t *upload, const char *key)
{
    return put_duration(out, json_real_value(json_object_get(upload, key)));
}

static bool count_cell(struct buffer *out, const json_t *row, const char *key)
{
    return buffer_print(out, "%lld", json_integer_value(json_object_get(row, key)));
}

static bool bytes_cell(struct buffer *out, const json_t *upload, const char *key)
{
    return put_bytes(out, json_number_value(json_object_get(upload, key)));
}

static bool rate_cell(struct buffer *out, const json_t *upload, const char *key)
{
    return bytes_cell(out, upload, key) && put(out, "/s");
}

/* Writes "300.0 MiB of 1.0 GiB (29 %)". */
static bool progress_cell(struct buffer *out, const json_t *upload, const char *key)
{
    double size = json_number_value(json_object_get(upload, "size"));
    double bytes = json_number_value(json_object_get(upload, key));
    if (size <= 0)
        return put_bytes(out, bytes);
    return put_bytes(out, bytes) && put(out, " of ") && put_bytes(out, size) &&
           buffer_print(out, " <small>(%.0f %%)</small>", 100 * bytes / size);
}

/* Writes "prepare (300.0 MiB on disk)", or "send (held)" while it has no client. */
static bool step_cell(struct buffer *out, const json_t *upload, const char *key)
{
    double spooled = json_number_value(json_object_get(upload, "spooled"));
    const char *state = json_string_value(json_object_get(upload, "state"));
    bool fits = text_cell(out, upload, key);
    if (state && strcmp(state, "held") == 0)
        fits = fits && put(out, " <small>(held)</small>");
    if (spooled > 0)
        fits = fits && put(out, " <small>(") && put_bytes(out, spooled) &&
               put(out, " on disk)</small>");
    return fits;
}

/* Writes "upload" or "import by web-download". */
static bool kind_cell(struct buffer *out, const json_t *upload, const char *key)
{
    const char *method = json_string_value(json_object_get(upload, "method"));
    return text_cell(out, upload, key) &&
           (!method || (put(out, " by ") && put_escaped(out, method)));
}

/* Writes " (warned: format_mismatch)", or nothing if the record has no such member. */
static bool put_remark(struct buffer *out, const json_t *upload, const char *word, const char *key)
{
    const char *what = json_string_value(json_object_get(upload, key));
    return !what || (buffer_print(out, " <small>(%s: ", word) && put_escaped(out, what) &&
                     put(out, ")</small>"));
}

/* Writes "refused: too_large", "rejected: 409", or "stored (warned: format_mismatch)". */
static bool verdict_cell(struct buffer *out, const json_t *upload, const char *key)
{
    const char *verdict = json_string_value(json_object_get(upload, key));
    const json_t *reason = json_object_get(upload, "reason");
    json_int_t status = json_integer_value(json_object_get(upload, "glance_status"));
    bool good = verdict && (!strcmp(verdict, "stored") || !strcmp(verdict, "accepted"));
    bool fits = buffer_print(out, "<span class=\"%s\">", good ? "good" : "bad") &&
                put_escaped(out, verdict ? verdict : "");
    if (fits && json_is_string(reason))
        fits = put(out, ": ") && put_escaped(out, json_string_value(reason));
    else if (fits && !good && status)
        fits = buffer_print(out, ": %d", (int)status);
    return fits && put(out, "</span>") && put_remark(out, upload, "warned", "warnings") &&
           put_remark(out, upload, "audit", "audit");
}

struct column {
    const char *title;
    const char *key; /* in the objects of records_collect() */
    write_cell *write;
};

/* The most important columns come first, because a narrow window cuts off the right side. */
static const struct column IN_FLIGHT[] = {
    {"Image", "image", image_cell},          {"Step", "step", step_cell},
    {"State", "state", text_cell},           {"Sent to Glance", "bytes", progress_cell},
    {"Rate", "bytes_per_second", rate_cell}, {"Age", "age", duration_cell},
    {"Store", "store", text_cell},           {"Project", "project", text_cell},
    {"Warnings", "warnings", text_cell},     {"Rule", "rule", text_cell},
    {"Client", "client", text_cell},
};

static const struct column REFUSALS[] = {
    {"Reason", "reason", text_cell},
    {"In the last hour", "count", count_cell},
    {"What to do", "message", text_cell},
};

static const struct column FINISHED[] = {
    {"Image", "image", image_cell},     {"Verdict", "verdict", verdict_cell},
    {"Door", "door", kind_cell},        {"Sent to Glance", "bytes", bytes_cell},
    {"Took", "seconds", duration_cell}, {"Store", "store", text_cell},
    {"Rule", "rule", text_cell},        {"Client", "client", text_cell},
    {"Began", "began", text_cell},      {"Project", "project", text_cell},
};

static bool put_row(struct buffer *out, const json_t *upload, const struct column *columns,
                    size_t count)
{
    bool fits = put(out, "<tr>");
    for (size_t i = 0; i < count && fits; i++)
        fits =
            put(out, "<td>") && columns[i].write(out, upload, columns[i].key) && put(out, "</td>");
    return fits && put(out, "</tr>\n");
}

static bool put_table(struct buffer *out, const json_t *records, const struct column *columns,
                      size_t count)
{
    if (!json_array_size(records))
        return put(out, "<p class=\"quiet\">None.</p>\n");
    bool fits = put(out, "<div class=\"wide\" tabindex=\"0\"><table>\n<tr>");
    for (size_t i = 0; i < count && fits; i++)
        fits = buffer_print(out, "<th>%s</th>", columns[i].title);
    fits = fits && put(out, "</tr>\n");
    for (size_t i = 0; i < json_array_size(records) && fits; i++)
        fits = put_row(out, json_array_get(records, i), columns, count);
    return fits && put(out, "</table></div>\n");
}

/* --- the page -------------------------------------------------------------------------- */

static bool put_readiness(struct buffer *out, const struct readiness_answer *answer)
{
    const char *diagnostics[READINESS_PROBLEMS_MAX];
    size_t count = readiness_problems(answer, diagnostics);
    if (count == 0)
        return put(out, "<p class=\"good\">Ready: Glance answers.</p>\n");
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++)
        fits = put(out, "<p class=\"bad\">Not ready: ") && put_escaped(out, diagnostics[i]) &&
               put(out, ".</p>\n");
    return fits;
}

/* Writes nothing for a single endpoint without trouble. */
static bool put_endpoints(struct buffer *out, struct endpoints *endpoints)
{
    struct endpoints_view view;
    bool fits = true;
    endpoints_look(endpoints, &view);
    for (size_t i = 0; i < view.count && fits; i++) {
        const struct endpoint_view *row = &view.rows[i];
        bool troubled = row->state == ENDPOINT_BUSY || row->state == ENDPOINT_OUT;
        if (view.count == 1 && !troubled)
            continue;
        fits = buffer_print(out, "<p class=\"%s\">", troubled ? "bad" : "good") &&
               put_escaped(out, row->url) &&
               buffer_print(out, ": %s", endpoint_state_text(row->state)) &&
               (!troubled || (put(out, ". ") && put_escaped(out, row->why))) && put(out, "</p>\n");
    }
    endpoints_view_free(&view);
    return fits;
}

static bool put_uploads(struct buffer *out, const json_t *records)
{
    const json_t *in_flight = json_object_get(records, "in_flight");
    return buffer_print(out, "<h2>Uploads in flight <small>%zu</small></h2>\n",
                        json_array_size(in_flight)) &&
           put_table(out, in_flight, IN_FLIGHT, sizeof IN_FLIGHT / sizeof *IN_FLIGHT);
}

static bool put_refusals(struct buffer *out, const json_t *refusals)
{
    return put(out, "<h2>Refusals</h2>\n") &&
           put_table(out, refusals, REFUSALS, sizeof REFUSALS / sizeof *REFUSALS);
}

static bool put_finished(struct buffer *out, const json_t *records)
{
    return put(out, "<h2>Last finished</h2>\n") &&
           put_table(out, json_object_get(records, "finished"), FINISHED,
                     sizeof FINISHED / sizeof *FINISHED);
}

static bool put_state(struct buffer *out, const struct page_context *context)
{
    const struct admin_sources *sources = context->sources;
    json_t *records = records_collect(sources->records, sources->registries);
    json_t *refusals = recent_refusals_json(sources);
    bool written = records && refusals && put_readiness(out, context->readiness) &&
                   put_endpoints(out, sources->endpoints) && put_uploads(out, records) &&
                   put_refusals(out, refusals) && put_finished(out, records);
    json_decref(refusals);
    json_decref(records);
    return written;
}

bool page_status(const struct page_context *context, struct buffer *out)
{
    static const char MARK[] = "@STATE@";
    size_t size;
    const char *page = page_template(&size);
    const char *mark = memmem(page, size, MARK, strlen(MARK));
    const char *rest = mark + strlen(MARK);
    return buffer_append(out, page, (size_t)(mark - page)) && put_state(out, context) &&
           buffer_append(out, rest, (size_t)(page + size - rest));
}
