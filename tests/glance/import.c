/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/images/{id}/import by glance-direct. Done by the time of the answer, not in a task. */
#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "images.h"
#include "store.h"
#include "upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wishes {
    const char *method;
    json_t *stores; /* borrowed; NULL: not named */
    int all_stores;
};

static bool read_wishes(struct exchange *exchange, json_t *body, struct wishes *wishes)
{
    *wishes = (struct wishes){0};
    if (json_unpack(body, "{s:{s:s}, s?o, s?b}", "method", "name", &wishes->method, "stores",
                    &wishes->stores, "all_stores", &wishes->all_stores) != 0 ||
        (wishes->stores && !json_is_array(wishes->stores))) {
        answer_error(exchange, 400, "Malformed JSON in request body.");
        return false;
    }
    if (strcmp(wishes->method, "glance-direct") != 0) {
        answer_error(exchange, 400, "Unknown import method name '%s'.", wishes->method);
        return false;
    }
    return true;
}

/* Header, `stores` and `all_stores` exclude each other. */
static bool one_wish(struct exchange *exchange, const struct wishes *wishes)
{
    char *header = exchange_header(exchange, "X-Image-Meta-Store");
    bool named = header != NULL;
    free(header);
    if (wishes->all_stores && (named || wishes->stores))
        answer_error(exchange, 400,
                     "All_stores parameter can't be used with x-image-meta-store "
                     "header or stores parameter");
    else if (named && wishes->stores)
        answer_error(exchange, 400,
                     "Stores parameter and x-image-meta-store header can't be both specified");
    else
        return true;
    return false;
}

static bool join_stores(struct exchange *exchange, json_t *stores, char *text, size_t size)
{
    size_t i, used = 0;
    json_t *store;
    json_array_foreach(stores, i, store)
    {
        const char *name = json_string_value(store);
        if (!name || !store_known(exchange->glance, name)) {
            answer_error(exchange, 409, "Store for identifier %s not found", name ? name : "");
            return false;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", name);
        if (used >= size) {
            answer_error(exchange, 400, "Too many stores.");
            return false;
        }
    }
    return true;
}

static bool choose_stores(struct exchange *exchange, const struct wishes *wishes, char *text,
                          size_t size)
{
    char store[STORE_NAME_MAX];
    if (!one_wish(exchange, wishes))
        return false;
    if (wishes->all_stores) {
        store_list(exchange->glance, text, size);
        return true;
    }
    if (json_array_size(wishes->stores))
        return join_stores(exchange, wishes->stores, text, size);
    if (!store_asked(exchange, 409, store))
        return false;
    snprintf(text, size, "%s", store);
    return true;
}

static void take_staged(struct exchange *exchange, json_t *image, const char *stores)
{
    char staged[4096], active[4096];
    data_path(exchange->glance, exchange->image_id, ".staged", staged);
    data_path(exchange->glance, exchange->image_id, "", active);
    if (rename(staged, active) != 0) {
        answer_error(exchange, 409, "No data are staged for image %s", exchange->image_id);
        return;
    }
    image_set_text(image, "stores", stores);
    image_set_status(image, "active");
    answer_empty(exchange, 202);
}

void image_import(struct exchange *exchange)
{
    char stores[STORES_MAX * STORE_NAME_MAX];
    struct wishes wishes;
    json_t *body = exchange_json(exchange);
    if (!body)
        return;
    json_t *image = NULL;
    if (read_wishes(exchange, body, &wishes) &&
        choose_stores(exchange, &wishes, stores, sizeof stores))
        image = image_of(exchange);
    if (image && !image_is(image, "uploading"))
        answer_error(exchange, 409, "Image with status %s cannot be target for import",
                     image_text(image, "status"));
    else if (image)
        take_staged(exchange, image, stores);
    json_decref(body);
}
