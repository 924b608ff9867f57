/* SPDX-License-Identifier: Apache-2.0 */
/* Reads `stores:` of the policy: facts about stores, for the capacity check and for uploads of
 * unknown length.
 *
 *     stores:
 *       test:
 *         s3: { endpoint: ..., bucket: ..., access_key_file: ..., secret_key_file: ... }
 *         capacity: 10TiB
 *       file:
 *         unknown_length: stream
 */
#include "intake/diagnostics.h"
#include "intake/endpoint.h"
#include "intake/key_file.h"
#include "policy/policy_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_NAME_MAX = 255, WHY_MAX = 256 };

static const char REGION[] = "default"; /* the region of a Ceph gateway without a configured name */

/* --- s3 -------------------------------------------------------------------------------- */

enum s3_key { KEY_ENDPOINT, KEY_BUCKET, KEY_ACCESS_KEY_FILE, KEY_SECRET_KEY_FILE, KEY_REGION };

static const char *const s3_keys[] = {
    [KEY_ENDPOINT] = "endpoint",
    [KEY_BUCKET] = "bucket",
    [KEY_ACCESS_KEY_FILE] = "access_key_file",
    [KEY_SECRET_KEY_FILE] = "secret_key_file",
    [KEY_REGION] = "region",
};
enum { S3_KEYS = sizeof s3_keys / sizeof *s3_keys };

static char **s3_value(struct policy_bucket *s3, enum s3_key key)
{
    switch (key) {
    case KEY_ENDPOINT:
        return &s3->endpoint;
    case KEY_BUCKET:
        return &s3->bucket;
    case KEY_ACCESS_KEY_FILE:
        return &s3->access_key_file;
    case KEY_SECRET_KEY_FILE:
        return &s3->secret_key_file;
    default:
        return &s3->region;
    }
}

static void check_endpoint(struct document *document, const yaml_node_t *node, char *endpoint)
{
    size_t length;
    const char *fault = endpoint_fault(endpoint, &length);
    if (!fault)
        endpoint[length] = '\0';
    else /* the text may be http://user:password@host, which must not be logged */
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "endpoint '%.80s' %s", strchr(endpoint, '@') ? "..." : endpoint, fault);
}

/* The name becomes a segment of a URL's path, where "." and ".." have a special meaning. */
static void check_bucket(struct document *document, const yaml_node_t *node, const char *bucket)
{
    size_t length = 0;
    while (isalnum((unsigned char)bucket[length]) ||
           (length && bucket[length] && strchr("._-", bucket[length])))
        length++;
    if (bucket[length] || length > BUCKET_NAME_MAX)
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "bucket '%.80s' is not the name of one", bucket);
}

/* Reports an unreadable file when the policy is loaded, and not at the first upload. The key itself
 * is read each time it is used. */
static void try_key_file(struct document *document, const yaml_node_t *node, const char *what,
                         const char *path)
{
    char key[KEY_MAX + 1];
    char why[WHY_MAX];
    if (!key_file_read(path, key, why, sizeof why))
        diagnostics_add(document->diagnostics, document->path, document_line(node), "%s %s %s",
                        what, path, why);
    explicit_bzero(key, sizeof key);
}

static void read_s3_value(struct document *document, size_t key, const yaml_node_t *value,
                          void *target)
{
    char *text = text_read(document, value, s3_keys[key]);
    *s3_value(target, (enum s3_key)key) = text;
    if (!text)
        return;
    switch ((enum s3_key)key) {
    case KEY_ENDPOINT:
        check_endpoint(document, value, text);
        break;
    case KEY_BUCKET:
        check_bucket(document, value, text);
        break;
    case KEY_REGION:
        name_check(document, value, text, "region");
        break;
    default:
        try_key_file(document, value, s3_keys[key], text);
    }
}

static void read_s3(struct document *document, const yaml_node_t *node, struct policy_store *store)
{
    static const struct mapping mapping = {"s3", s3_keys, S3_KEYS, read_s3_value};
    store->has_s3 = true;
    document_walk(document, &mapping, node, &store->s3);
    for (int key = 0; key < KEY_REGION; key++)
        if (!*s3_value(&store->s3, (enum s3_key)key))
            diagnostics_add(document->diagnostics, document->path, document_line(node),
                            "s3 needs %s", s3_keys[key]);
    if (!store->s3.region && !(store->s3.region = strdup(REGION)))
        document_no_memory(document, node);
}

/* --- one store ------------------------------------------------------------------------- */

enum store_key { KEY_S3, KEY_CAPACITY, KEY_UNKNOWN_LENGTH, STORE_KEYS };

static const char *const store_keys[] = {
    [KEY_S3] = "s3",
    [KEY_CAPACITY] = "capacity",
    [KEY_UNKNOWN_LENGTH] = "unknown_length",
};

static void read_unknown_length(struct document *document, const yaml_node_t *value,
                                struct policy_store *store)
{
    static const char *const words[] = {[UNKNOWN_LENGTH_SPOOL] = "spool",
                                        [UNKNOWN_LENGTH_STREAM] = "stream",
                                        [UNKNOWN_LENGTH_REJECT] = "reject"};
    size_t word = word_read(document, value, store_keys[KEY_UNKNOWN_LENGTH], words,
                            sizeof words / sizeof *words);
    store->has_unknown_length = true;
    store->unknown_length = (enum unknown_length)word; /* a faulty policy is not used */
}

static void read_store_value(struct document *document, size_t key, const yaml_node_t *value,
                             void *target)
{
    struct policy_store *store = target;
    switch ((enum store_key)key) {
    case KEY_S3:
        read_s3(document, value, store);
        break;
    case KEY_CAPACITY:
        limit_read(document, value, store_keys[key], &store->capacity);
        break;
    default:
        read_unknown_length(document, value, store);
    }
}

static void read_store(struct document *document, const yaml_node_t *node,
                       struct policy_store *store)
{
    static const struct mapping mapping = {"a store", store_keys, STORE_KEYS, read_store_value};
    document_walk(document, &mapping, node, store);
    if (node->type != YAML_MAPPING_NODE || store->has_s3)
        return;
    if (store->capacity != UINT64_MAX)
        document_report(document, node,
                        "capacity needs s3: only a bucket tells how much it holds already");
    else if (!store->has_unknown_length)
        document_report(document, node, "a store needs s3 or unknown_length");
}

void store_facts_free(struct store_facts *facts)
{
    for (int key = 0; key < S3_KEYS; key++)
        free(*s3_value(&facts->store.s3, (enum s3_key)key));
    free(facts->store.name);
}

/* --- the list of stores ---------------------------------------------------------------- */

static struct store_facts *find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->store_count; i++)
        if (!strcmp(policy->stores[i].store.name, name))
            return &policy->stores[i];
    return NULL;
}

/* Takes ownership of `name`, also on failure. NULL: no memory. */
static struct store_facts *add(struct policy *policy, char *name, int line)
{
    struct store_facts *stores =
        reallocarray(policy->stores, policy->store_count + 1, sizeof *stores);
    if (!stores) {
        free(name);
        return NULL;
    }
    policy->stores = stores;
    struct store_facts *facts = &stores[policy->store_count++];
    *facts = (struct store_facts){.store = {.name = name, .capacity = UINT64_MAX}, .line = line};
    return facts;
}

static void read_named_store(struct document *document, const yaml_node_t *key,
                             const yaml_node_t *value, struct policy *policy)
{
    const char *name = document_text(document, key, "a store's name");
    if (!name)
        return;
    store_name_check(document, key, name);
    if (find(policy, name)) {
        diagnostics_add(document->diagnostics, document->path, document_line(key),
                        "stores has '%.80s' already", name);
        return;
    }
    char *copy = strdup(name);
    struct store_facts *facts = copy ? add(policy, copy, document_line(key)) : NULL;
    if (facts)
        read_store(document, value, &facts->store);
    else
        document_no_memory(document, key);
}

void stores_read(struct document *document, const yaml_node_t *node, struct policy *policy)
{
    if (document_is_null(node)) /* all stores are commented out */
        return;
    if (node->type != YAML_MAPPING_NODE) {
        document_report(document, node, "stores must be names, each with what is known of it");
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&document->tree, pair->key);
        if (policy->store_count == POLICY_STORES_MAX) {
            document_report(document, key, "one store too many");
            return;
        }
        read_named_store(document, key, yaml_document_get_node(&document->tree, pair->value),
                         policy);
    }
}

const struct policy_store *policy_store(const struct policy *policy, const char *name)
{
    const struct store_facts *facts = find(policy, name);
    return facts ? &facts->store : NULL;
}

struct policy_length policy_unknown_length(const struct policy *policy, const char *store,
                                           enum unknown_length everywhere)
{
    const struct policy_store *facts = store ? policy_store(policy, store) : NULL;
    return facts && facts->has_unknown_length
               ? (struct policy_length){facts->unknown_length, facts->name}
               : (struct policy_length){everywhere, NULL};
}

const char *policy_spooling_store(const struct policy *policy)
{
    for (size_t i = 0; i < policy->store_count; i++) {
        const struct policy_store *store = &policy->stores[i].store;
        if (store->has_unknown_length && store->unknown_length == UNKNOWN_LENGTH_SPOOL)
            return store->name;
    }
    return NULL;
}
