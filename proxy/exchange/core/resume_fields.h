/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of answers about an upload that can be resumed. All return false if there is no
 * memory. For proxy/exchange/resume/ and proxy/exchange/upload/creation.c. */
#ifndef RESUME_FIELDS_H
#define RESUME_FIELDS_H

#include "exchange/core/exchange_priv.h"

struct settings;

bool resume_add_number(struct headers *out, const char *name, uint64_t value);
/* Upload-Expires. 0: not known, and nothing is added. */
bool resume_add_expiry(struct headers *out, uint64_t wall_ms);
/* Upload-Limit of the draft. `expires_wall_ms`: of this upload; 0: not known. */
bool resume_add_limit(const struct settings *settings, uint64_t expires_wall_ms,
                      struct headers *out);
/* What each answer has in this dialect; `refused` is the reason for a refusal. */
bool resume_add_dialect(enum resume_dialect dialect, enum refusal refused, struct headers *out);
/* Lets a browser's page read the fields of all dialects, if it may read the answer. The CORS fields
 * of `out` must be there before. */
bool resume_expose(struct headers *out);
/* The resource is the image's URL, as the client addresses this proxy. */
bool resume_add_location(const struct request_facts *request, struct headers *out);

#endif
