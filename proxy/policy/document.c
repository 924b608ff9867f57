/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a YAML file into a checked tree. The file is parsed twice. The first time as events, to
 * refuse features that a policy does not need: aliases can make a small file a huge tree, and tags
 * can give a text another meaning. The second time as a tree. */
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/suggest.h"
#include "policy/policy_priv.h"

#include <stdio.h>
#include <string.h>

int document_line(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

/* --- the file -------------------------------------------------------------------------- */

static bool read_stream(FILE *stream, struct document *document, struct buffer *text)
{
    char chunk[8192];
    for (size_t count; (count = fread(chunk, 1, sizeof chunk, stream)) > 0;)
        if (!buffer_append(text, chunk, count)) {
            diagnostics_add(document->diagnostics, document->path, 0,
                            "larger than %d bytes, or no memory for it", POLICY_FILE_MAX);
            return false;
        }
    if (!ferror(stream))
        return true;
    diagnostics_add(document->diagnostics, document->path, 0, "cannot be read: %m");
    return false;
}

static bool read_file(struct document *document, struct buffer *text)
{
    FILE *stream = fopen(document->path, "re");
    if (!stream) {
        diagnostics_add(document->diagnostics, document->path, 0, "cannot be opened: %m");
        return false;
    }
    bool good = read_stream(stream, document, text);
    fclose(stream);
    return good;
}

/* --- events ---------------------------------------------------------------------------- */

static bool parser_open(yaml_parser_t *parser, struct document *document, const struct buffer *text)
{
    if (!yaml_parser_initialize(parser)) {
        diagnostics_add(document->diagnostics, document->path, 0, "no memory");
        return false;
    }
    yaml_parser_set_input_string(parser, (const unsigned char *)buffer_text(text), text->len);
    return true;
}

static void not_yaml(struct document *document, const yaml_parser_t *parser)
{
    diagnostics_add(document->diagnostics, document->path, (int)parser->problem_mark.line + 1,
                    "not YAML: %s%s%s", parser->problem ? parser->problem : "no memory",
                    parser->context ? " " : "", parser->context ? parser->context : "");
}

struct shape {
    int depth;
    int documents;
};

/* The fault of the event, or NULL. */
static const char *event_fault(const yaml_event_t *event, struct shape *shape)
{
    static const char marked[] = "anchors and tags have no place in a policy";
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases have no place in a policy";
    case YAML_DOCUMENT_START_EVENT:
        return ++shape->documents > 1 ? "a second YAML document" : NULL;
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag ? marked : NULL;
    case YAML_SEQUENCE_START_EVENT:
        if (++shape->depth > POLICY_DEPTH_MAX)
            return "nested too deeply";
        return event->data.sequence_start.anchor || event->data.sequence_start.tag ? marked : NULL;
    case YAML_MAPPING_START_EVENT:
        if (++shape->depth > POLICY_DEPTH_MAX)
            return "nested too deeply";
        return event->data.mapping_start.anchor || event->data.mapping_start.tag ? marked : NULL;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        shape->depth--;
        return NULL;
    default:
        return NULL;
    }
}

/* Reads events up to the end, or to the first fault. */
static bool check_events(struct document *document, yaml_parser_t *parser)
{
    struct shape shape = {0, 0};
    const char *fault = NULL;
    bool ended = false;
    while (!ended && !fault) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            not_yaml(document, parser);
            return false;
        }
        fault = event_fault(&event, &shape);
        if (fault)
            diagnostics_add(document->diagnostics, document->path, (int)event.start_mark.line + 1,
                            "%s", fault);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return !fault;
}

static bool check_shape(struct document *document, const struct buffer *text)
{
    yaml_parser_t parser;
    if (!parser_open(&parser, document, text))
        return false;
    bool good = check_events(document, &parser);
    yaml_parser_delete(&parser);
    return good;
}

static bool load_tree(struct document *document, const struct buffer *text)
{
    yaml_parser_t parser;
    if (!parser_open(&parser, document, text))
        return false;
    bool good = yaml_parser_load(&parser, &document->tree);
    if (!good)
        not_yaml(document, &parser);
    yaml_parser_delete(&parser);
    return good;
}

bool document_open(struct document *document)
{
    struct buffer text;
    buffer_init(&text, POLICY_FILE_MAX);
    bool good =
        read_file(document, &text) && check_shape(document, &text) && load_tree(document, &text);
    buffer_free(&text);
    return good;
}

/* --- mappings -------------------------------------------------------------------------- */

static void unknown_key(struct document *document, const struct mapping *mapping, int line,
                        const char *key)
{
    const char *meant = suggest_word(key, mapping->keys, mapping->key_count);
    diagnostics_add(document->diagnostics, document->path, line, "%s has no '%.80s'%s%s%s",
                    mapping->what, key, meant ? ": did you mean " : "", meant ? meant : "",
                    meant ? "?" : "");
}

/* The index of the key. key_count: a fault was reported. */
static size_t find_key(struct document *document, const struct mapping *mapping,
                       const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "a key of %s must be a word", mapping->what);
        return mapping->key_count;
    }
    const char *key = (const char *)node->data.scalar.value;
    for (size_t i = 0; i < mapping->key_count; i++)
        if (strcmp(key, mapping->keys[i]) == 0)
            return i;
    unknown_key(document, mapping, document_line(node), key);
    return mapping->key_count;
}

void document_walk(struct document *document, const struct mapping *mapping,
                   const yaml_node_t *node, void *target)
{
    if (node->type != YAML_MAPPING_NODE) {
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s must be keys and values", mapping->what);
        return;
    }
    uint64_t seen = 0; /* one bit per key; every mapping has fewer than 64 */
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(&document->tree, pair->key);
        size_t key = find_key(document, mapping, key_node);
        if (key == mapping->key_count)
            continue;
        if (seen & UINT64_C(1) << key)
            diagnostics_add(document->diagnostics, document->path, document_line(key_node),
                            "%s has '%s' already", mapping->what, mapping->keys[key]);
        else
            mapping->visit(document, key, yaml_document_get_node(&document->tree, pair->value),
                           target);
        seen |= UINT64_C(1) << key;
    }
}

/* --- texts ----------------------------------------------------------------------------- */

bool document_is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (node->data.scalar.length == 0 ||
            strcmp((const char *)node->data.scalar.value, "null") == 0 ||
            strcmp((const char *)node->data.scalar.value, "~") == 0);
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

const char *document_text(struct document *document, const yaml_node_t *node, const char *what)
{
    const char *fault = NULL;
    if (node->type != YAML_SCALAR_NODE) {
        fault = "must be a single text";
    } else {
        char *text = (char *)node->data.scalar.value;
        size_t length = node->data.scalar.length;
        while (length > 0 && text[length - 1] == '\n') /* the end of a block (| or >) */
            length--;
        if (length == 0 || document_is_null(node))
            fault = "is empty";
        else if (length > POLICY_TEXT_MAX)
            fault = "is too long";
        else if (has_control(text, length))
            fault = "has a line break or another control character in it";
        else
            text[length] = '\0';
    }
    if (!fault)
        return (const char *)node->data.scalar.value;
    diagnostics_add(document->diagnostics, document->path, document_line(node), "%s %s", what,
                    fault);
    return NULL;
}

void document_each_text(struct document *document, const yaml_node_t *node, const char *what,
                        document_take *take, void *target)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        const char *text = document_text(document, node, what);
        if (text)
            take(document, node, text, target);
        return;
    }
    const yaml_node_item_t *item = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - item);
    if (count == 0 || count > POLICY_LIST_MAX)
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        count == 0 ? "%s is an empty list" : "%s is too long a list", what);
    for (size_t i = 0; i < count && i < POLICY_LIST_MAX; i++) {
        const yaml_node_t *each = yaml_document_get_node(&document->tree, item[i]);
        const char *text = document_text(document, each, what);
        if (text)
            take(document, each, text, target);
    }
}
