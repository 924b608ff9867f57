/* SPDX-License-Identifier: Apache-2.0 */
/* A small question to Glance (or to an S3 gateway) whose answer is collected whole, within bounds
 * of size and time. Several may be under way for one exchange. */
#ifndef INTAKE_BUFFERED_FETCH_H
#define INTAKE_BUFFERED_FETCH_H

#include "intake/reply.h"
#include "intake/transfer.h"

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_TIMEOUT_MS = 60000 };

/* Zero-initialised: not begun. The exchange owns it, and ends it. */
struct fetch {
    struct transfer *transfer;
    void (*wake)(void *context); /* it is over; never called from within fetch_start() */
    void *context;
    bool begun;
    bool over;
    enum transfer_result result;
    char detail[128]; /* libcurl's words, where it broke off */
    bool too_long;
    bool lost;           /* there was no memory to keep the answer: TRANSFER_NO_MEMORY in the end */
    struct reply answer; /* Glance's, as it came */
};

/* `order` as for transfer_start(), without a body; FETCH_TIMEOUT_MS is for one that has no
 * patience of its own. False: no memory. */
bool fetch_start(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                 const struct upstream_request *request, void (*wake)(void *context),
                 void *context);

/* Over, and the whole answer came. */
bool fetch_answered(const struct fetch *fetch);

/* In any state; gives it up if it is under way. It is then as if not begun. */
void fetch_end(struct fetch *fetch);

#endif
