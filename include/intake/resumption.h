/* SPDX-License-Identifier: Apache-2.0 */
/* A resumption: the request of a client that goes on with an upload. The client may be on another
 * worker than the upload. Its bytes go through a pair of sockets, so the kernel makes the faster
 * side wait. The outcome goes back in the object, and then the upload's socket is closed:
 *
 *     client -> exchange (resume) -> socket | socket -> exchange (upload) -> Glance
 *                         <- outcome, end of file <-
 *
 * Both sides have a reference, and may end first. */
#ifndef INTAKE_RESUMPTION_H
#define INTAKE_RESUMPTION_H

#include "intake/headers.h"
#include "intake/refusal.h"
#include "intake/reply.h"

#include <stdbool.h>
#include <stdint.h>

enum { RESUMPTION_WORDS = 512 };

enum resumption_result {
    RESUMPTION_OPEN,    /* there is no outcome: the upload has ended without one */
    RESUMPTION_REPLY,   /* `reply` is the answer to the whole upload */
    RESUMPTION_REFUSED, /* for `reason`, with `detail` */
    RESUMPTION_PART     /* all bytes of this request were taken, and more are to come */
};

/* What the client is told. */
struct resumption_outcome {
    enum resumption_result result;
    struct reply reply;
    enum refusal reason;
    char detail[RESUMPTION_WORDS];
    uint64_t offset; /* bytes that the upload has */
};

struct resumption;

/* The request brings `count` bytes, beginning at `offset`. Takes over the content of `fields`:
 * those of the questions that the upload asks Glance from now on, with the client's token.
 * `*client_end` is the client's socket, owned by the caller. NULL: no memory, or no descriptor;
 * `fields` is unchanged. */
struct resumption *resumption_new(uint64_t offset, uint64_t count, struct headers *fields,
                                  int *client_end);
struct resumption *resumption_hold(struct resumption *resumption);
void resumption_release(struct resumption *resumption); /* NULL is fine */

uint64_t resumption_offset(const struct resumption *resumption);
uint64_t resumption_count(const struct resumption *resumption);

/* --- for the upload ---------------------------------------------------------------------- */

/* The upload's socket. Borrowed until resumption_end(). */
int resumption_socket(const struct resumption *resumption);
/* Exchanges the contents of `fields`. */
void resumption_take_fields(struct resumption *resumption, struct headers *fields);

/* Sets the outcome, unless there is one, and closes the upload's socket. `reply` is taken over and
 * empty afterwards; NULL: none. */
void resumption_end(struct resumption *resumption, enum resumption_result result,
                    struct reply *reply, uint64_t offset);
void resumption_refuse(struct resumption *resumption, enum refusal reason, const char *detail,
                       uint64_t offset);

/* --- for the client ----------------------------------------------------------------------- */

/* After end of file on the client's socket. Takes the outcome; the caller frees its reply. */
void resumption_outcome(struct resumption *resumption, struct resumption_outcome *out);

#endif
