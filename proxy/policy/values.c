/* SPDX-License-Identifier: Apache-2.0 */
/* Reads single values of a policy. Every reader reports the fault of its value and goes on, so that
 * all faults are found at once. */
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/suggest.h"
#include "intake/units.h"
#include "policy/policy_priv.h"

#include <string.h>

void document_report(struct document *document, const yaml_node_t *node, const char *what)
{
    diagnostics_add(document->diagnostics, document->path, document_line(node), "%s", what);
}

void document_no_memory(struct document *document, const yaml_node_t *node)
{
    document_report(document, node, "no memory");
}

/* "a, b or c" */
static void list_words(const char *const *words, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        buffer_print(out, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
}

size_t word_find(struct document *document, const yaml_node_t *node, const char *what,
                 const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    const char *meant = suggest_word(text, words, count);
    struct buffer all;
    buffer_init(&all, POLICY_TEXT_MAX);
    list_words(words, count, &all);
    diagnostics_add(document->diagnostics, document->path, document_line(node),
                    "%s '%.80s' is not %s%s%s%s", what, text, buffer_text(&all),
                    meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
    buffer_free(&all);
    return count;
}

size_t word_read(struct document *document, const yaml_node_t *node, const char *what,
                 const char *const *words, size_t count)
{
    const char *text = document_text(document, node, what);
    return text ? word_find(document, node, what, text, words, count) : count;
}

void network_read(struct document *document, const yaml_node_t *node, const char *what,
                  const char *text, struct networks *networks)
{
    if (!networks_add(networks, text))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s '%.80s' is not a network, such as 10.0.0.0/8 or 2001:db8::/32", what,
                        text);
}

char *text_read(struct document *document, const yaml_node_t *node, const char *what)
{
    const char *text = document_text(document, node, what);
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        document_no_memory(document, node);
    return copy;
}

void name_check(struct document *document, const yaml_node_t *node, const char *name,
                const char *what)
{
    if (!policy_name_valid(name))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s '%.80s' must be 1 to %d of A-Z, a-z, 0-9, '.', '_' and '-'", what, name,
                        POLICY_NAME_MAX);
}

void store_name_check(struct document *document, const yaml_node_t *node, const char *store)
{
    name_check(document, node, store, "store");
    if (policy_store_reserved(store))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "store '%.80s' is Glance's own: images do not belong there", store);
}

void method_check(struct document *document, const yaml_node_t *node, const char *method)
{
    if (!policy_method_valid(method))
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "import method '%.80s' must be 1 to %d of a-z, 0-9 and '-'", method,
                        POLICY_NAME_MAX);
}

bool size_read(struct document *document, const yaml_node_t *node, const char *what, uint64_t *size)
{
    const char *text = document_text(document, node, what);
    if (!text)
        return false;
    bool good = units_parse_size(text, size);
    if (!good)
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s '%.80s' is not " UNITS_SIZE_FORM, what, text);
    return good;
}

void limit_read(struct document *document, const yaml_node_t *node, const char *what,
                uint64_t *limit)
{
    if (size_read(document, node, what, limit) && *limit == 0)
        diagnostics_add(document->diagnostics, document->path, document_line(node),
                        "%s 0 would accept nothing; to refuse, use deny", what);
}
