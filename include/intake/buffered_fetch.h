/* SPDX-License-Identifier: Apache-2.0 */
/* A small request to Glance, Keystone or an S3 gateway, whose answer is collected in memory, with a
 * limit of size and time. Several fetches may run for one exchange. */
#ifndef INTAKE_BUFFERED_FETCH_H
#define INTAKE_BUFFERED_FETCH_H

#include "intake/reply.h"
#include "intake/transfer.h"

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_TIMEOUT_MS = 60000 };

/* Zero-initialised: not begun. The exchange owns it, and calls fetch_end(). */
struct fetch {
    struct transfer *transfer;
    void (*wake)(void *context); /* called at the end; never from within fetch_start() */
    void *context;
    bool begun;
    bool over;
    enum transfer_result result;
    char detail[128];   /* libcurl's error text, if the transfer failed */
    const char *unsent; /* of the request's body */
    size_t unsent_count;
    bool too_long;
    bool lost;           /* no memory to keep the answer; the result is TRANSFER_NO_MEMORY */
    struct reply answer; /* as Glance sent it */
};

/* `request` as for transfer_start(); its body is request->body. Its timeout is request->timeout, or
 * FETCH_TIMEOUT_MS if that is 0, but never more than glance.stall_timeout. False: no memory. */
bool fetch_start(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                 const struct upstream_request *request, void (*wake)(void *context),
                 void *context);

/* Whether the fetch has ended with a complete answer within the size limit. */
bool fetch_answered(const struct fetch *fetch);

/* Call it in any state: it aborts a running transfer, frees the answer, and resets the fetch. */
void fetch_end(struct fetch *fetch);

#endif
