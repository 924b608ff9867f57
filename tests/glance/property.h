/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's properties may be: the one table behind create, patch and the schema. */
#ifndef SMALL_GLANCE_PROPERTY_H
#define SMALL_GLANCE_PROPERTY_H

#include <jansson.h>
#include <stdbool.h>

struct exchange;

/* Whether the property may be set to the value; if not, answered with 400 or 403. Names that the
 * table does not know are custom properties: strings. */
bool property_settable(struct exchange *exchange, const char *name, const json_t *value);

/* One of the table, which is never removed; one that only a queued image lets change. */
bool property_is_base(const char *name);
bool property_is_format(const char *name);

/* Adds the table's defaults for what is absent. */
void property_defaults(json_t *image);

/* GET /v2/schemas/image */
void schema_image(struct exchange *exchange);

#endif
