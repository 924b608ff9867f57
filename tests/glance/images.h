/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of image records: /v2/images and /v2/images/{id}. All are called with glance->lock held.
 */
#ifndef SMALL_GLANCE_IMAGES_H
#define SMALL_GLANCE_IMAGES_H

#include <jansson.h>

struct exchange;

/* The request's image, if the caller may do `what` to it; NULL: answered. */
json_t *image_to_change(struct exchange *exchange, const char *what);

void image_create(struct exchange *exchange);
void image_show(struct exchange *exchange);
void image_list(struct exchange *exchange);
void image_patch(struct exchange *exchange);
void image_delete(struct exchange *exchange);

/* POST .../actions/deactivate and reactivate, for admins. */
void image_deactivate(struct exchange *exchange);
void image_reactivate(struct exchange *exchange);

/* POST .../import, by any of Glance's methods. */
void image_import(struct exchange *exchange);

#endif
