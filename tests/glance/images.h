/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of image records: /v2/images and /v2/images/{id}. All are called with glance->lock held.
 */
#ifndef SMALL_GLANCE_IMAGES_H
#define SMALL_GLANCE_IMAGES_H

struct exchange;

void image_create(struct exchange *exchange);
void image_show(struct exchange *exchange);
void image_list(struct exchange *exchange);
void image_patch(struct exchange *exchange);
void image_delete(struct exchange *exchange);

/* POST .../actions/deactivate and reactivate, for admins. */
void image_deactivate(struct exchange *exchange);
void image_reactivate(struct exchange *exchange);

/* POST .../import, of what was staged. */
void image_import(struct exchange *exchange);

#endif
