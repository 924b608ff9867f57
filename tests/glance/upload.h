/* SPDX-License-Identifier: Apache-2.0 */
/* The body of PUT .../file and PUT .../stage on its way to a file. */
#ifndef SMALL_GLANCE_UPLOAD_H
#define SMALL_GLANCE_UPLOAD_H

#include <stddef.h>

struct exchange;
struct glance;

/* Route handlers. The begins check what Glance checks before it asks for the body, and set
 * exchange->upload; with glance->lock held, as the finishes. */
void upload_begin(struct exchange *exchange);
void upload_finish(struct exchange *exchange);
void stage_begin(struct exchange *exchange);
void stage_finish(struct exchange *exchange);

/* Bytes of the body. Without the lock. */
void upload_take(struct exchange *exchange, const char *bytes, size_t count);

/* Ends an upload that was not finished: the image is queued again, but for a fault. Lock held. NULL
 * upload: does nothing. */
void upload_abandon(struct exchange *exchange);

/* Where an image's data are: suffix "" once active, ".staged" before an import. */
void data_path(const struct glance *glance, const char *id, const char *suffix, char path[4096]);

#endif
