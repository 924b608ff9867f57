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

static json_t *usage(json_int_t used, json_int_t limit)
{
    return json_pack("{s:I, s:I}", "usage", used, "limit", limit);
}

/* Sizes in MiB. The limits are those of no project in particular, and nothing enforces them. */
void info_usage(struct exchange *exchange)
{
    json_int_t bytes = 0, count = 0, uploading = 0;
    size_t i;
    json_t *image;
    json_array_foreach(exchange->glance->images, i, image)
    {
        if (strcmp(image_text(image, "owner"), exchange->caller->project) != 0)
            continue;
        count++;
        bytes += json_integer_value(json_object_get(image, "size"));
        uploading += image_is(image, "saving") || image_is(image, "uploading");
    }
    answer_json(exchange, 200,
                json_pack("{s:{s:o, s:o, s:o, s:o}}", "usage", "image_size_total",
                          usage(bytes >> 20, 102400), "image_stage_total", usage(0, 102400),
                          "image_count_total", usage(count, 1000), "image_count_uploading",
                          usage(uploading, 100)));
}
