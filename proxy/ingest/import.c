/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and rewrites the body of an import:
 *
 *     {"method": {"name": "glance-direct"}, "stores": ["test"], "all_stores_must_succeed": true}
 *
 * Glance accepts nearly any value, and fails later. Here a value of the wrong type is refused. */
#include "intake/ingest.h"

#include "ingest/ingest_priv.h"
#include "intake/buffer.h"
#include "intake/memory.h"
#include "intake/utf8.h"

#include <stdlib.h>
#include <string.h>

void import_request_free(struct import_request *request)
{
    free(request->method);
    for (size_t i = 0; i < request->store_count; i++)
        free(request->stores[i]);
    free(request->stores);
    *request = (struct import_request){0};
}

/* Names are sent in headers and logged, so they must not have control characters or a NUL. NULL:
 * not such a string. */
static const char *name_of(const json_t *value)
{
    const char *name = json_string_value(value);
    const char *end = name ? name + json_string_length(value) : NULL;
    const char *c = name;
    for (size_t count = 1; c && c < end && count; c += count)
        count = utf8_printable(c);
    return c == end ? name : NULL;
}

static const char *read_method(const json_t *body, struct import_request *out)
{
    const char *name = name_of(json_object_get(json_object_get(body, "method"), "name"));
    if (!name)
        return "it has no method with a name";
    out->method = strdup(name);
    return out->method ? NULL : NO_MEMORY;
}

static const char *read_stores(const json_t *body, struct import_request *out)
{
    static const char fault[] = "its stores are no list of names";
    const json_t *list = json_object_get(body, "stores");
    if (!list)
        return NULL;
    if (!json_is_array(list))
        return fault;
    if (json_array_size(list) > IMPORT_STORES_MAX)
        return "it names too many stores";
    out->listed = true;
    out->stores = calloc(json_array_size(list) + 1, sizeof *out->stores);
    if (!out->stores)
        return NO_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = name_of(json_array_get(list, i));
        if (!name)
            return fault;
        if (!(out->stores[i] = strdup(name)))
            return NO_MEMORY;
        out->store_count++;
    }
    return NULL;
}

static const char *read_all(const json_t *body, struct import_request *out)
{
    const json_t *all = json_object_get(body, "all_stores");
    out->all = json_is_true(all);
    return !all || json_is_boolean(all) ? NULL : "its all_stores is neither true nor false";
}

const char *import_read(const char *text, size_t length, struct import_request *out)
{
    static const char *(*const readers[])(const json_t *, struct import_request *) = {
        read_method, read_stores, read_all};
    const char *fault = NULL;
    *out = (struct import_request){0};
    json_t *body = ingest_load(text, length, &fault);
    for (size_t i = 0; i < sizeof readers / sizeof *readers && !fault; i++)
        fault = readers[i](body, out);
    json_decref(body);
    if (fault)
        import_request_free(out);
    return fault;
}

static bool set_store(json_t *body, const char *store)
{
    json_t *list = json_array();
    if (list && json_array_append_new(list, json_string(store)) == 0)
        return json_object_set_new(body, "stores", list) == 0;
    json_decref(list);
    return false;
}

bool import_rewrite(const char *text, size_t length, const char *store, struct buffer *out)
{
    const char *fault;
    json_t *body = ingest_load(text, length, &fault);
    if (!body)
        return false;
    json_object_del(body, "all_stores");
    char *written = set_store(body, store) ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    bool good = written && buffer_append(out, written, strlen(written));
    free(written);
    return good;
}
