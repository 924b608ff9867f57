/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the state of Glance's endpoints as JSON and as metrics. */
#include "admin/admin_priv.h"
#include "intake/endpoints.h"

#include <inttypes.h>

/* The object has a `problem` only if the endpoint is busy or out. */
static json_t *endpoint_json(const struct endpoint_view *view)
{
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:o}", "endpoint", view->url, "state",
                  endpoint_state_text(view->state), "uploads", (int)view->flows, "check_seconds",
                  view->checked ? json_real((double)view->check_ms / 1000) : json_null());
    bool troubled = view->state == ENDPOINT_BUSY || view->state == ENDPOINT_OUT;
    if (object && troubled && json_object_set_new(object, "problem", json_string(view->why)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *endpoints_json(struct endpoints *endpoints)
{
    struct endpoints_view view;
    endpoints_look(endpoints, &view);
    json_t *list = json_array();
    for (size_t i = 0; i < view.count && list; i++)
        if (json_array_append_new(list, endpoint_json(&view.rows[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    endpoints_view_free(&view);
    return list;
}

static bool up_row(const struct endpoint_view *view, struct buffer *out)
{
    return buffer_print(out, "glance_intake_endpoint_up{endpoint=\"%s\"} %d\n", view->url,
                        view->state != ENDPOINT_OUT);
}

static bool state_rows(const struct endpoint_view *view, struct buffer *out)
{
    bool fits = true;
    for (enum endpoint_state state = ENDPOINT_UNKNOWN; state <= ENDPOINT_OUT && fits; state++)
        fits = buffer_print(out, "glance_intake_endpoint_state{endpoint=\"%s\",state=\"%s\"} %d\n",
                            view->url, endpoint_state_text(state), view->state == state);
    return fits;
}

static bool uploads_row(const struct endpoint_view *view, struct buffer *out)
{
    return buffer_print(out, "glance_intake_endpoint_uploads_in_flight{endpoint=\"%s\"} %u\n",
                        view->url, view->flows);
}

static bool duration_row(const struct endpoint_view *view, struct buffer *out)
{
    return !view->checked ||
           buffer_print(out,
                        "glance_intake_endpoint_check_duration_seconds{endpoint=\"%s\"} %.3f\n",
                        view->url, (double)view->check_ms / 1000);
}

static bool check_rows(const struct endpoint_view *view, struct buffer *out)
{
    static const char *const results[ENDPOINT_HEALTHS] = {
        [HEALTH_WELL] = "well", [HEALTH_FAILED] = "failed", [HEALTH_SILENT] = "silent"};
    bool fits = true;
    for (size_t i = 0; i < ENDPOINT_HEALTHS && fits; i++)
        fits = buffer_print(
            out, "glance_intake_endpoint_checks_total{endpoint=\"%s\",result=\"%s\"} %" PRIu64 "\n",
            view->url, results[i], view->checks[i]);
    return fits;
}

static const struct {
    const char *name, *type, *help;
    bool (*write)(const struct endpoint_view *view, struct buffer *out);
} FAMILIES[] = {
    {"glance_intake_endpoint_up", "gauge", "0 if the endpoint of Glance is out.", up_row},
    {"glance_intake_endpoint_state", "gauge", "1 for the state that the endpoint is in.",
     state_rows},
    {"glance_intake_endpoint_uploads_in_flight", "gauge",
     "Uploads, and downloads of more than a second, at the endpoint.", uploads_row},
    {"glance_intake_endpoint_check_duration_seconds", "gauge",
     "Duration of the last health check of the endpoint.", duration_row},
    {"glance_intake_endpoint_checks_total", "counter", "Health checks of the endpoint, by result.",
     check_rows},
};

bool endpoints_metrics(struct endpoints *endpoints, struct buffer *out)
{
    struct endpoints_view view;
    endpoints_look(endpoints, &view);
    bool fits = true;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES && view.count; i++) {
        fits = fits && buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", FAMILIES[i].name,
                                    FAMILIES[i].help, FAMILIES[i].name, FAMILIES[i].type);
        for (size_t row = 0; row < view.count && fits; row++)
            fits = FAMILIES[i].write(&view.rows[row], out);
    }
    endpoints_view_free(&view);
    return fits;
}
