/* SPDX-License-Identifier: Apache-2.0 */
/* An image's locations: URLs that a client may set, as where show_multiple_locations is on. */
#ifndef SMALL_GLANCE_LOCATION_H
#define SMALL_GLANCE_LOCATION_H

#include <jansson.h>
#include <stdbool.h>

struct exchange;

/* Whether a JSON pointer is about locations: leading slashes and blanks around its first part do
 * not count, as in Glance. */
bool location_meant(const char *pointer);

/* One operation of a PATCH; `value` NULL: none. False: answered with an error. */
bool location_patch(struct exchange *exchange, json_t *image, const char *op, const json_t *value);

/* POST /v2/images/{id}/locations, which Glance has from 2024.2 on. */
void location_add(struct exchange *exchange);

#endif
