/* SPDX-License-Identifier: Apache-2.0 */
/* Parses JSON. The parser accepts less than Glance's. So a text that it accepts has the same
 * meaning for Glance. */
#include "ingest/ingest_priv.h"
#include "intake/memory.h"

json_t *ingest_load(const char *text, size_t length, const char **fault)
{
    json_error_t error;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (document)
        return document;
    switch (json_error_code(&error)) {
    case json_error_duplicate_key:
        *fault = "it has one key twice";
        break;
    case json_error_stack_overflow:
        *fault = "it is nested too deeply";
        break;
    case json_error_numeric_overflow:
        *fault = "it has a number that is too large";
        break;
    case json_error_out_of_memory:
        *fault = NO_MEMORY;
        break;
    default:
        *fault = "it is no JSON text in UTF-8";
        break;
    }
    return NULL;
}
