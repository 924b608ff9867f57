/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/images/{id}/import. Done before the answer, not in a task; a download has no bytes. */
#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "images.h"
#include "store.h"
#include "upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each wants an image of one status, and finds its data in its own way. */
static const struct method {
    const char *name;
    const char *status;
    const char *data; /* the suffix of their file; NULL: there are none to be had */
} METHODS[] = {
    {"glance-direct", "uploading", ".staged"},
    {"web-download", "queued", NULL},
    {"glance-download", "queued", NULL},
    {"copy-image", "active", ""},
};

struct import_request {
    const struct method *method;
    json_t *stores; /* borrowed; NULL: not named */
    int all_stores;
};

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
        if (strcmp(METHODS[i].name, name) == 0)
            return &METHODS[i];
    return NULL;
}

static bool read_request(struct exchange *exchange, json_t *body, struct import_request *request)
{
    const char *method = "";
    *request = (struct import_request){0};
    if (json_unpack(body, "{s:{s:s}, s?o, s?b}", "method", "name", &method, "stores",
                    &request->stores, "all_stores", &request->all_stores) != 0 ||
        (request->stores && !json_is_array(request->stores))) {
        answer_error(exchange, 400, "Malformed JSON in request body.");
        return false;
    }
    request->method = find_method(method);
    if (!request->method)
        answer_error(exchange, 400, "Unknown import method name '%s'.", method);
    return request->method != NULL;
}

/* Header, `stores` and `all_stores` exclude each other. */
static bool is_consistent(struct exchange *exchange, const struct import_request *request)
{
    char *header = exchange_header(exchange, "X-Image-Meta-Store");
    bool named = header != NULL;
    free(header);
    if (request->all_stores && (named || request->stores))
        answer_error(exchange, 400,
                     "All_stores parameter can't be used with x-image-meta-store "
                     "header or stores parameter");
    else if (named && request->stores)
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

static bool choose_stores(struct exchange *exchange, const struct import_request *request,
                          char *text, size_t size)
{
    char store[STORE_NAME_MAX];
    if (!is_consistent(exchange, request))
        return false;
    if (request->all_stores) {
        store_list(exchange->glance, text, size);
        return true;
    }
    if (json_array_size(request->stores))
        return join_stores(exchange, request->stores, text, size);
    if (!store_asked(exchange, 409, store))
        return false;
    snprintf(text, size, "%s", store);
    return true;
}

static bool take_data(const struct exchange *exchange, const struct method *method)
{
    char found[4096], active[4096];
    data_path(exchange->glance, exchange->image_id, "", active);
    if (method->data) {
        data_path(exchange->glance, exchange->image_id, method->data, found);
        return rename(found, active) == 0;
    }
    FILE *empty = fopen(active, "we");
    return empty && fclose(empty) == 0;
}

/* A copy adds to the stores that have it. */
static void note_stores(json_t *image, const struct method *method, const char *stores)
{
    const char *had = image_text(image, "stores");
    bool adds = strcmp(method->status, "active") == 0 && *had;
    json_object_set_new(image, "stores",
                        adds ? json_sprintf("%s,%s", had, stores) : json_string(stores));
}

static void do_import(struct exchange *exchange, json_t *image, const struct method *method,
                      const char *stores)
{
    if (!image_is(image, method->status)) {
        answer_error(exchange, 409, "Image with status %s cannot be target for import",
                     image_text(image, "status"));
    } else if (strcmp(method->name, "copy-image") == 0 && !exchange->caller->admin) {
        answer_error(exchange, 403, "You are not authorized to complete copy_image action.");
    } else if (!take_data(exchange, method)) {
        answer_error(exchange, 409, "There are no data for image %s", exchange->image_id);
    } else {
        note_stores(image, method, stores);
        image_set_status(image, "active");
        answer_empty(exchange, 202);
    }
}

void image_import(struct exchange *exchange)
{
    char stores[STORES_MAX * STORE_NAME_MAX];
    struct import_request request;
    json_t *body = exchange_json(exchange);
    if (!body)
        return;
    json_t *image = NULL;
    if (read_request(exchange, body, &request) &&
        choose_stores(exchange, &request, stores, sizeof stores))
        image = image_of(exchange);
    if (image)
        do_import(exchange, image, request.method, stores);
    json_decref(body);
}
