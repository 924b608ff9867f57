/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the HTML status page. It has no script and loads no other file. All text from clients and
 * from Glance is escaped. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/endpoints.h"
#include "intake/utf8.h"
#include "stats/records_priv.h"

#include <string.h>

static const char HEAD[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta http-equiv=\"refresh\" content=\"10\">\n"
    "<title>glance-intake</title>\n"
    "<style>\n"
    "body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 100em;"
    " padding: 0 1em; color: #222; }\n"
    "h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }\n"
    "small, .quiet { color: #666; font-weight: normal; }\n"
    ".good { color: #17692d; } .bad { color: #a51d1d; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }\n"
    "th, td { text-align: left; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd;"
    " white-space: nowrap; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n";

/* --- text ------------------------------------------------------------------------------ */

static bool put(struct buffer *out, const char *html)
{
    return buffer_append(out, html, strlen(html));
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static bool put_escaped(struct buffer *out, const char *text)
{
    struct buffer clean;
    buffer_init(&clean, 3 * strlen(text));
    bool fits = utf8_clean(text, &clean);
    for (const char *c = buffer_text(&clean); *c && fits; c++)
        fits = entity(*c) ? put(out, entity(*c)) : buffer_append(out, c, 1);
    buffer_free(&clean);
    return fits;
}

static bool put_bytes(struct buffer *out, double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit < sizeof UNITS / sizeof *UNITS - 1) {
        bytes /= 1024;
        unit++;
    }
    return buffer_print(out, unit ? "%.1f %s" : "%.0f %s", bytes, UNITS[unit]);
}

static bool put_duration(struct buffer *out, double seconds)
{
    unsigned long whole = (unsigned long)seconds;
    if (whole >= 3600)
        return buffer_print(out, "%lu h %02lu min", whole / 3600, whole / 60 % 60);
    if (whole >= 60)
        return buffer_print(out, "%lu min %02lu s", whole / 60, whole % 60);
    return buffer_print(out, "%.1f s", seconds);
}

/* --- the cells of the tables ----------------------------------------------------------- */

typedef bool write_cell(struct buffer *out, const json_t *upload, const char *key);

static bool text_cell(struct buffer *out, const json_t *upload, const char *key)
{
    const char *text = json_string_value(json_object_get(upload, key));
    return put_escaped(out, text ? text : "");
}

static bool duration_cell(struct buffer *out, const json_t *upload, const char *key)
{
    return put_duration(out, json_real_value(json_object_get(upload, key)));
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

/* Writes "prepare (300.0 MiB on disk)". */
static bool step_cell(struct buffer *out, const json_t *upload, const char *key)
{
    double spooled = json_number_value(json_object_get(upload, "spooled"));
    bool fits = text_cell(out, upload, key);
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
    {"Image", "image", text_cell},
    {"Step", "step", step_cell},
    {"Sent to Glance", "bytes", progress_cell},
    {"Rate", "bytes_per_second", rate_cell},
    {"Age", "age", duration_cell},
    {"Store", "store", text_cell},
    {"Rule", "rule", text_cell},
    {"Client", "client", text_cell},
    {"Project", "project", text_cell},
};

static const struct column FINISHED[] = {
    {"Image", "image", text_cell},      {"Verdict", "verdict", verdict_cell},
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
    bool fits = put(out, "<div class=\"wide\"><table>\n<tr>");
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
    const json_t *finished = json_object_get(records, "finished");
    return buffer_print(out, "<h2>Uploads in flight <small>%zu</small></h2>\n",
                        json_array_size(in_flight)) &&
           put_table(out, in_flight, IN_FLIGHT, sizeof IN_FLIGHT / sizeof *IN_FLIGHT) &&
           put(out, "<h2>Last finished</h2>\n") &&
           put_table(out, finished, FINISHED, sizeof FINISHED / sizeof *FINISHED);
}

bool page_status(const struct page_context *context, struct buffer *out)
{
    json_t *records = records_collect(context->sources->records, context->sources->workers);
    bool written = records && put(out, HEAD) &&
                   put(out, "<h1>glance-intake <small>" INTAKE_VERSION "</small></h1>\n") &&
                   put_readiness(out, context->readiness) &&
                   put_endpoints(out, context->sources->endpoints) && put_uploads(out, records) &&
                   put(out, "<p class=\"quiet\">For machines: <a href=\"/uploads\">/uploads</a>, "
                            "<a href=\"/metrics\">/metrics</a>, <a href=\"/readyz\">/readyz</a>, "
                            "<a href=\"/healthz\">/healthz</a></p>\n</body>\n</html>\n");
    json_decref(records);
    return written;
}
