/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files that parse the JSON of ingest requests.
 *
 *   json.c    parses one JSON text
 *   import.c  reads and rewrites the body of an import
 *   update.c  finds out whether an update changes locations */
#ifndef INGEST_PRIV_H
#define INGEST_PRIV_H

#include <jansson.h>
#include <stddef.h>

/* Parses exactly one JSON text. The caller drops the reference. NULL: `fault` is a clause that says
 * why. Strings in the result may contain a NUL. */
json_t *ingest_load(const char *text, size_t length, const char **fault);

#endif
