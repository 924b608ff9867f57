/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the JSON of requests that bring image data into a store without an upload: an import, and
 * an update that changes an image's locations. These functions do no I/O.
 *
 * Python's parser, which Glance uses, takes the last of two equal keys. Other parsers take the
 * first. So a body with a repeated key is refused. JSON that only Python accepts (NaN, lone
 * surrogates) is refused, too. Every text must be UTF-8 (RFC 8259). */
#ifndef INTAKE_INGEST_H
#define INTAKE_INGEST_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum {
    INGEST_BODY_MAX = 256 * 1024, /* bytes; an update of all properties is much smaller */
    IMPORT_STORES_MAX = 64
};

/* --- import.c: POST /v2/images/{id}/import ----------------------------------------------- */

/* Owns its strings. Zero-initialised: empty. */
struct import_request {
    char *method;  /* "glance-direct", "web-download", "glance-download", "copy-image", ... */
    bool listed;   /* the body has `stores` */
    char **stores; /* in the order of the body */
    size_t store_count;
    bool all; /* `all_stores` is true */
};

/* NULL: `out` is set, and the caller must call import_request_free(). Otherwise a clause that says
 * why the body cannot be read (400 json_malformed): it is not one JSON object; it has no method
 * with a name; `stores` is not a list of at most IMPORT_STORES_MAX names; `all_stores` is neither
 * true nor false; or a name has a control character. */
const char *import_read(const char *text, size_t length, struct import_request *out);
void import_request_free(struct import_request *request);

/* Writes the same import for `store` alone: sets `stores` and removes `all_stores`. Everything else
 * is kept, in the same order. import_read() must have accepted `text`. False: no memory. */
bool import_rewrite(const char *text, size_t length, const char *store, struct buffer *out);

/* --- update.c: PATCH /v2/images/{id} ----------------------------------------------------- */

/* NULL: `locations` says whether the update changes locations. Otherwise a clause (400
 * json_malformed). Both of Glance's dialects are read, independent of the Content-Type: v2.1
 * ({"op": "add", "path": "/locations/-", ...}) and v2.0 ({"add": "/locations/-", ...}). The first
 * part of a pointer decides, decoded as Glance does it: leading slashes, blanks around it, ~0 and
 * ~1. */
const char *update_read(const char *text, size_t length, bool *locations);

#endif
