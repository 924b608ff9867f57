/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v2/images/{id}/file, whole or a range. */
#ifndef SMALL_GLANCE_DOWNLOAD_H
#define SMALL_GLANCE_DOWNLOAD_H

struct exchange;

void download_finish(struct exchange *exchange);

#endif
