/* SPDX-License-Identifier: Apache-2.0 */
/* The records of all workers as JSON values; intake/record.h has them as text. */
#ifndef STATS_RECORDS_JSON_H
#define STATS_RECORDS_JSON_H

#include <jansson.h>
#include <stddef.h>

struct records;

/* {"in_flight": [...], "finished": [...]}; NULL: no memory. Owned by the caller. */
json_t *records_collect(struct records *const *all, size_t count);

#endif
