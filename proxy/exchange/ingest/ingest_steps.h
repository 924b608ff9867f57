/* SPDX-License-Identifier: Apache-2.0 */
/* Imports, updates, locations and tasks: their state and steps. What may pass goes on as a relay.
 */
#ifndef INGEST_STEPS_H
#define INGEST_STEPS_H

#include "exchange/relay/relay_steps.h"
#include "exchange/upload/image_check.h"

/* What one request holds of a worker's space for JSON. Zero-initialised: nothing, for a client that
 * Glance has not vouched for. */
struct share {
    struct holder *holder; /* NULL: a newcomer */
    size_t bytes;
};

/* The JSON of a request, buffered while it is checked. */
struct json_body {
    struct buffer text;
    size_t sent; /* bytes of it that Glance got */
    struct share share;
    bool unchecked; /* it is too long to be checked, and goes on in audit mode */
};

struct ingest_flow {
    struct relay_flow relay; /* first: ingest_of() and relay_of() need that */
    struct image_check check;
    struct json_body body;
    enum import_change change; /* how the store is set in what Glance gets */
};

static inline struct ingest_flow *ingest_of(struct exchange *x)
{
    return (struct ingest_flow *)x;
}

/* ingest.c */
/* The kind of an import, an update, ... */
const struct exchange_kind *ingest_kind(const struct policy *policy, const struct client *client,
                                        const struct request_facts *request);

/* report.c */
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail);

/* buffer_body.c */
enum step_result buffer_body(struct exchange *x);
size_t buffer_body_read(struct exchange *x, void *into, size_t room); /* 0: no more is buffered */
void buffer_body_free(struct exchange_parts *parts, struct json_body *body);

/* buffer_shares.c */
/* How many more bytes may be held. */
size_t buffer_share_room(const struct holders *holders, const struct share *share);
void buffer_share_add(struct holders *holders, struct share *share, size_t bytes);
/* Glance knows the client at this address: it may hold more, if there is space. */
enum buffer_share_outcome { BUFFER_SHARE_KNOWN, BUFFER_SHARE_FULL, BUFFER_SHARE_NO_MEMORY };
enum buffer_share_outcome buffer_share_vouch(struct holders *holders, struct share *share,
                                             const char *address);
void buffer_share_end(struct holders *holders, struct share *share);

/* import.c */
enum step_result import_begin(struct exchange *x);
enum step_result import_preflight(struct exchange *x);
enum step_result import_decide(struct exchange *x);
bool import_change_headers(const struct exchange *x, struct headers *out); /* false: no memory */
bool import_rewritten(const struct exchange *x, uint64_t *length); /* the body, to this length */

#endif
