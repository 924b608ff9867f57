/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v2/images: newest first, a page at a time; a query that names a property filters by it. */
#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "images.h"
#include "property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 25, PAGE_MAX = 1000 };

struct filter {
    const json_t *image;
    bool fits;
};

static enum MHD_Result try_filter(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    struct filter *filter = context;
    if (property_is_base(name) && value && strcmp(image_text(filter->image, name), value) != 0)
        filter->fits = false;
    return MHD_YES;
}

/* Community images of others are listed only on request. */
static bool is_listed(const struct exchange *exchange, const json_t *image)
{
    const char *visibility =
        MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "visibility");
    struct filter filter = {.image = image, .fits = image_visible(image, exchange->caller)};
    if (strcmp(image_text(image, "visibility"), "community") == 0 &&
        !image_owned(image, exchange->caller) && !visibility)
        return false;
    MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, try_filter, &filter);
    return filter.fits;
}

/* "/v2/images" with the query's arguments, all but the marker. The caller frees it. */
static char *self_link(const struct exchange *exchange)
{
    const char *query = strchr(exchange->target, '?');
    char *rest = NULL, *copy = strdup(query ? query + 1 : "");
    char *link = NULL;
    size_t size;
    FILE *out = open_memstream(&link, &size);
    if (!out || !copy) {
        free(copy);
        return NULL;
    }
    char mark = '?';
    fputs("/v2/images", out);
    for (char *pair = strtok_r(copy, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest)) {
        if (strncmp(pair, "marker=", 7) == 0)
            continue;
        fprintf(out, "%c%s", mark, pair);
        mark = '&';
    }
    fclose(out);
    free(copy);
    return link;
}

static bool read_limit(struct exchange *exchange, size_t *limit)
{
    const char *text =
        MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "limit");
    char *end = "";
    *limit = text ? strtoul(text, &end, 10) : PAGE;
    if (*end || (text && (*text < '0' || *text > '9'))) {
        answer_error(exchange, 400, "limit param must be an integer");
        return false;
    }
    if (*limit > PAGE_MAX)
        *limit = PAGE_MAX;
    return true;
}

/* Where the page begins, counting from the end of the list. */
static bool read_marker(struct exchange *exchange, size_t *next)
{
    const json_t *images = exchange->glance->images;
    const char *marker =
        MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "marker");
    *next = json_array_size(images);
    if (!marker)
        return true;
    while (*next > 0) {
        --*next;
        if (strcmp(image_text(json_array_get(images, *next), "id"), marker) == 0)
            return true;
    }
    answer_error(exchange, 400, "No image found with ID %s", marker);
    return false;
}

static json_t *take_page(const struct exchange *exchange, size_t next, size_t limit, bool *more)
{
    json_t *page = json_array();
    *more = false;
    while (next-- > 0 && !*more) {
        json_t *image = json_array_get(exchange->glance->images, next);
        if (!is_listed(exchange, image))
            continue;
        *more = json_array_size(page) == limit;
        if (!*more)
            json_array_append(page, image);
    }
    return page;
}

void image_list(struct exchange *exchange)
{
    size_t limit, next;
    bool more;
    if (!read_limit(exchange, &limit) || !read_marker(exchange, &next))
        return;
    char *link = self_link(exchange);
    json_t *page = take_page(exchange, next, limit, &more);
    const char *last = image_text(json_array_get(page, json_array_size(page) - 1), "id");
    json_t *body = json_pack("{s:O, s:s*, s:s}", "images", page, "first", link, "schema",
                             "/v2/schemas/images");
    if (more && link && *last)
        json_object_set_new(
            body, "next", json_sprintf("%s%cmarker=%s", link, strchr(link, '?') ? '&' : '?', last));
    answer_json(exchange, 200, body);
    json_decref(page);
    free(link);
}
