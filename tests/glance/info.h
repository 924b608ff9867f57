/* SPDX-License-Identifier: Apache-2.0 */
/* Routes about the service itself: versions, health, limits. */
#ifndef SMALL_GLANCE_INFO_H
#define SMALL_GLANCE_INFO_H

#include <jansson.h>

struct exchange;

void versions_known(struct exchange *exchange);   /* 200 */
void versions_unknown(struct exchange *exchange); /* 300: for every path that has no version */
void version_redirect(struct exchange *exchange);
void health_get(struct exchange *exchange);
void health_head(struct exchange *exchange);
void options_any(struct exchange *exchange);
void info_usage(struct exchange *exchange);

/* PUT /small-glance/limits {"image_size_total": 100}: replaces all limits. Sizes in MiB; they are
 * reported and not enforced. */
void limits_put(struct exchange *exchange);
json_t *limits_default(void);

#endif
