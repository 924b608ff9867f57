/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and applies `doors:` of the policy: which operations other than an upload may bring image
 * data into a store.
 *
 *     doors:
 *       import_methods: [glance-direct, copy-image]
 *       locations: closed
 *       tasks: closed
 *       exempt: [10.0.0.11, 10.0.0.0/28]
 */
#include "intake/diagnostics.h"
#include "policy/policy_priv.h"

/* --- reading --------------------------------------------------------------------------- */

static void take_method(struct document *document, const yaml_node_t *node, const char *text,
                        void *target)
{
    struct strings *methods = target;
    method_check(document, node, text);
    if (strings_have(methods, text))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "'%.80s' is in the list already", text);
    else if (!strings_add(methods, text))
        document_no_memory(document, node);
}

/* An empty list refuses all imports. */
static void read_methods(struct document *document, const yaml_node_t *node, struct ingest *ingest)
{
    bool none = node->type == YAML_SEQUENCE_NODE &&
                node->data.sequence.items.start == node->data.sequence.items.top;
    ingest->methods_set = true;
    if (!none)
        document_each_text(document, node, "import_methods", take_method, &ingest->import_methods);
}

static bool read_open(struct document *document, const yaml_node_t *node, const char *what)
{
    enum { CLOSED, OPEN, WORDS };
    static const char *const words[] = {"closed", "open"};
    return word_read(document, node, what, words, WORDS) == OPEN;
}

static void take_exempt(struct document *document, const yaml_node_t *node, const char *text,
                        void *target)
{
    network_read(document, node, "exempt", text, target);
}

enum ingest_key { KEY_IMPORT_METHODS, KEY_LOCATIONS, KEY_TASKS, KEY_EXEMPT, INGEST_KEYS };

static const char *const ingest_keys[] = {
    [KEY_IMPORT_METHODS] = "import_methods",
    [KEY_LOCATIONS] = "locations",
    [KEY_TASKS] = "tasks",
    [KEY_EXEMPT] = "exempt",
};

static void read_ingest_value(struct document *document, size_t key, const yaml_node_t *value,
                              void *target)
{
    struct ingest *ingest = target;
    switch ((enum ingest_key)key) {
    case KEY_IMPORT_METHODS:
        read_methods(document, value, ingest);
        break;
    case KEY_LOCATIONS:
        ingest->open[POLICY_INGEST_LOCATIONS] = read_open(document, value, ingest_keys[key]);
        break;
    case KEY_TASKS:
        ingest->open[POLICY_INGEST_TASKS] = read_open(document, value, ingest_keys[key]);
        break;
    default:
        document_each_text(document, value, ingest_keys[key], take_exempt, &ingest->exempt);
    }
}

void ingest_read(struct document *document, const yaml_node_t *node, struct ingest *ingest)
{
    static const struct mapping mapping = {"doors", ingest_keys, INGEST_KEYS, read_ingest_value};
    if (!document_is_null(node)) /* null: all keys are commented out */
        document_walk(document, &mapping, node, ingest);
}

void ingest_free(struct ingest *ingest)
{
    strings_free(&ingest->import_methods);
    networks_free(&ingest->exempt);
}

/* --- deciding -------------------------------------------------------------------------- */

static bool is_exempt(const struct ingest *ingest, const char *client)
{
    return client && networks_have(&ingest->exempt, client);
}

bool ingest_takes_method(const struct ingest *ingest, const char *method, const char *client)
{
    if (!ingest->methods_set || is_exempt(ingest, client))
        return true;
    return method && strings_have(&ingest->import_methods, method);
}

bool policy_ingest_open(const struct policy *policy, enum policy_ingest ingest, const char *client)
{
    return policy->ingest.open[ingest] || is_exempt(&policy->ingest, client);
}
