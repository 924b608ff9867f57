/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of imports, updates, locations and tasks. */
#ifndef INGEST_STEPS_H
#define INGEST_STEPS_H

#include "exchange/core/exchange_priv.h"

/* ingest.c */
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail);

/* buffer_body.c */
enum step_result buffer_body(struct exchange *x);
size_t buffer_body_read(struct exchange *x, void *into, size_t room); /* 0: no more is held */
void buffer_body_end(struct exchange *x);

/* buffer_shares.c */
size_t buffer_share_room(const struct holders *holders,
                         const struct share *share); /* for more bytes */
void buffer_share_add(struct holders *holders, struct share *share, size_t bytes);
/* Glance knows the client at this address: it may hold more, if there is room. */
enum buffer_share_outcome { BUFFER_SHARE_KNOWN, BUFFER_SHARE_FULL, BUFFER_SHARE_NO_MEMORY };
enum buffer_share_outcome buffer_share_vouch(struct holders *holders, struct share *share,
                                             const char *address);
void buffer_share_end(struct holders *holders, struct share *share);

/* import.c */
enum step_result import_begin(struct exchange *x);
enum step_result import_judge(struct exchange *x);
bool import_fields(const struct exchange *x, struct headers *out); /* as Glance is to get them */

#endif
