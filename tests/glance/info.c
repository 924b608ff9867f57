/* SPDX-License-Identifier: Apache-2.0 */
#include "info.h"

#include "exchange.h"
#include "glance.h"
#include "image.h"

#include <stdlib.h>
#include <string.h>

static void answer_versions(struct exchange *exchange, unsigned status)
{
    static const int minors[] = {15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    char *host = exchange_header(exchange, "Host");
    json_t *versions = json_array();
    for (size_t i = 0; i < sizeof minors / sizeof minors[0]; i++)
        json_array_append_new(versions,
                              json_pack("{s:o, s:s, s:[{s:s, s:o}]}", "id",
                                        json_sprintf("v2.%d", minors[i]), "status",
                                        i ? "SUPPORTED" : "CURRENT", "links", "rel", "self", "href",
                                        json_sprintf("http://%s/v2/", host ? host : "")));
    free(host);
    answer_json(exchange, status, json_pack("{s:o}", "versions", versions));
}

void versions_known(struct exchange *exchange)
{
    answer_versions(exchange, 200);
}

void versions_unknown(struct exchange *exchange)
{
    answer_versions(exchange, 300);
}

void version_redirect(struct exchange *exchange)
{
    char *host = exchange_header(exchange, "Host");
    answer_empty(exchange, 302);
    answer_header(exchange, "Location", "http://%s/v2/", host ? host : "");
    free(host);
}

void health_get(struct exchange *exchange)
{
    answer_text(exchange, 200, "OK");
}

void health_head(struct exchange *exchange)
{
    answer_empty(exchange, 204);
}

void options_any(struct exchange *exchange)
{
    answer_empty(exchange, 200);
}

json_t *limits_default(void)
{
    return json_pack("{s:i, s:i, s:i, s:i}", "image_size_total", 102400, "image_stage_total",
                     102400, "image_count_total", 1000, "image_count_uploading", 100);
}

void limits_put(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    json_t *limits = exchange_json(exchange);
    if (!limits)
        return;
    if (!json_is_object(limits)) {
        answer_error(exchange, 400, "Not limits by name.");
        json_decref(limits);
        return;
    }
    json_decref(glance->limits);
    glance->limits = limits;
    answer_empty(exchange, 204);
}

static bool owned_by(const json_t *image, const struct principal *caller)
{
    return strcmp(image_text(image, "owner"), caller->project) == 0;
}

/* What the caller's project has of it. Staged data count apart. */
static json_int_t used(const struct exchange *exchange, const char *name)
{
    json_int_t bytes = 0, staged = 0, count = 0, uploading = 0;
    size_t i;
    json_t *image;
    json_array_foreach(exchange->glance->images, i, image)
    {
        if (!owned_by(image, exchange->caller))
            continue;
        json_int_t size = json_integer_value(json_object_get(image, "size"));
        *(image_is(image, "uploading") ? &staged : &bytes) += size;
        uploading += image_is(image, "saving") || image_is(image, "uploading");
        count++;
    }
    return strcmp(name, "image_size_total") == 0    ? bytes >> 20
           : strcmp(name, "image_stage_total") == 0 ? staged >> 20
           : strcmp(name, "image_count_total") == 0 ? count
                                                    : uploading;
}

void info_usage(struct exchange *exchange)
{
    json_t *rows = json_object();
    const char *name;
    json_t *limit;
    json_object_foreach(exchange->glance->limits, name, limit) json_object_set_new(
        rows, name, json_pack("{s:I, s:O}", "usage", used(exchange, name), "limit", limit));
    answer_json(exchange, 200, json_pack("{s:o}", "usage", rows));
}
