/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the doors share. */
#ifndef INGEST_PRIV_H
#define INGEST_PRIV_H

#include <jansson.h>
#include <stddef.h>

/* One JSON text, and nothing else; or NULL, and `fault` is a clause that says why. The caller drops
 * the reference. A string in it may hold a NUL. */
json_t *ingest_load(const char *text, size_t length, const char **fault);

#endif
