/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "exchange.h"
#include "glance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool store_add(struct glance *glance, const char *name)
{
    if (glance->store_count == STORES_MAX || strlen(name) >= STORE_NAME_MAX)
        return false;
    snprintf(glance->stores[glance->store_count++], STORE_NAME_MAX, "%s", name);
    return true;
}

bool store_known(const struct glance *glance, const char *name)
{
    for (size_t i = 0; i < glance->store_count; i++)
        if (strcmp(glance->stores[i], name) == 0)
            return true;
    return strcmp(name, "os_glance_staging_store") == 0 ||
           strcmp(name, "os_glance_tasks_store") == 0;
}

bool store_asked(struct exchange *exchange, unsigned status, char store[STORE_NAME_MAX])
{
    char *asked = exchange_header(exchange, "X-Image-Meta-Store");
    const char *name = asked ? asked : exchange->glance->stores[0];
    bool known = store_known(exchange->glance, name);
    if (known)
        snprintf(store, STORE_NAME_MAX, "%s", name);
    else
        answer_error(exchange, status, "Store for identifier %s not found", name);
    free(asked);
    return known;
}

void store_list(const struct glance *glance, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < glance->store_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", glance->stores[i]);
}

void info_stores(struct exchange *exchange)
{
    const struct glance *glance = exchange->glance;
    json_t *stores = json_array();
    for (size_t i = 0; i < glance->store_count; i++) {
        json_t *store = json_pack("{s:s, s:s}", "id", glance->stores[i], "description",
                                  "a store of the small Glance");
        if (i == 0)
            json_object_set_new(store, "default", json_string("true"));
        json_array_append_new(stores, store);
    }
    answer_json(exchange, 200, json_pack("{s:o}", "stores", stores));
}

/* At least one, and names of stores all. */
static bool are_stores(const json_t *names)
{
    size_t count = json_array_size(names);
    bool good = count > 0 && count <= STORES_MAX;
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(names, i);
        good = good && json_is_string(name) && json_string_length(name) < STORE_NAME_MAX;
    }
    return good;
}

void stores_put(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    json_t *names = exchange_json(exchange);
    if (!names)
        return;
    if (are_stores(names)) {
        glance->store_count = 0;
        for (size_t i = 0; i < json_array_size(names); i++)
            store_add(glance, json_string_value(json_array_get(names, i)));
        answer_empty(exchange, 204);
    } else {
        answer_error(exchange, 400, "Not a list of stores.");
    }
    json_decref(names);
}
