/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON of those requests asks for that lead image data into a store without being an
 * upload: an import, and an update that touches an image's locations. Pure: text in, product out.
 *
 * Python, which Glance reads it with, takes the last of two equal keys; other readers take the
 * first. So a body that has one key twice is no JSON here, nor is what only Python takes for it
 * (NaN, lone surrogates). Every text is UTF-8 (RFC 8259). */
#ifndef INTAKE_INGEST_H
#define INTAKE_INGEST_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum {
    INGEST_BODY_MAX = 256 * 1024, /* bytes: far more than an update with every property full */
    IMPORT_STORES_MAX = 64
};

/* --- import.c: POST /v2/images/{id}/import ----------------------------------------------- */

/* Owns its texts. Zero-initialised is empty. */
struct import_request {
    char *method;  /* "glance-direct", "web-download", "glance-download", "copy-image", ... */
    bool listed;   /* it has `stores` */
    char **stores; /* in their order */
    size_t store_count;
    bool all; /* `all_stores` is there and not false */
};

/* NULL and `out` set (import_request_free is the caller's), or a plain clause saying why it cannot
 * be read (400 json_malformed): no single JSON object; no method with a name; `stores` that is no
 * list of at most IMPORT_STORES_MAX names; `all_stores` that is neither true nor false. No name has
 * a control character. */
const char *import_read(const char *text, size_t length, struct import_request *out);
void import_request_free(struct import_request *request);

/* The same import into `store` alone: `stores` is set and `all_stores` gone, all else keeps its
 * place. `text` is one that import_read() took. False: no memory. */
bool import_rewrite(const char *text, size_t length, const char *store, struct buffer *out);

/* --- update.c: PATCH /v2/images/{id} ----------------------------------------------------- */

/* NULL and `locations` set, or a plain clause (400 json_malformed). Both of Glance's dialects are
 * read, whatever type the body is said to have: v2.1 ({"op": "add", "path": "/locations/-", ...})
 * and v2.0 ({"add": "/locations/-", ...}). A pointer counts by its first part as Glance decodes it:
 * slashes in front, blanks around, ~0 and ~1. */
const char *update_read(const char *text, size_t length, bool *locations);

#endif
