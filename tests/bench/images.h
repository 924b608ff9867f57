/* SPDX-License-Identifier: Apache-2.0 */
/* The images of the sink: every one there can be is queued, until its data has come. */
#ifndef BENCH_IMAGES_H
#define BENCH_IMAGES_H

#include "stream.h"

enum { IMAGE_JSON_SIZE = 2048, DIGEST_HEX_SIZE = 129 };

struct images;

/* With `digest` they have Glance's os_hash_value. NULL: no memory. */
struct images *images_new(bool digest);
void images_free(struct images *images);

/* All of its data is here. Only the last few thousand are remembered. */
void images_finish(struct images *images, const char *id);

/* What GET /v2/images/{id} says: IMAGE_JSON_SIZE bytes, and no NUL. The first question for data
 * of a seed and a size takes as long as hashing it. */
bool images_show(struct images *images, const char *id, char json[IMAGE_JSON_SIZE]);

#endif
