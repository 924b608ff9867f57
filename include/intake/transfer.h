/* SPDX-License-Identifier: Apache-2.0 */
/* The Glance edge: the only stage that knows libcurl. One request to Glance, or to a store behind
 * it, is a transfer.
 *
 * The upcalls head, data and pull come from within libcurl: they note and copy, and never start
 * or abort a transfer. `done` comes from the worker's loop and is the last one. */
#ifndef INTAKE_TRANSFER_H
#define INTAKE_TRANSFER_H

#include "intake/request.h"
#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct endpoints;
struct glance;
struct headers;
struct loop;
struct settings;
struct transfer;

/* One per worker: libcurl's multi handle, and the pooled easy handles. `loop` is borrowed. NULL: no
 * memory. */
struct glance *glance_new(struct loop *loop);

/* What is known of the endpoints, from now on. Borrowed. Without it, or with NULL, they are tried
 * in the settings' order. */
void glance_share_endpoints(struct glance *glance, struct endpoints *endpoints);
void glance_free(struct glance *glance); /* all transfers must have ended; NULL is fine */

enum transfer_result {
    TRANSFER_ANSWERED,    /* the whole answer came; of an upload's refusal the head is enough */
    TRANSFER_UNREACHABLE, /* no endpoint could be connected to; nothing was sent */
    TRANSFER_FAILED,      /* broke off: while sending, or before or within the answer */
    TRANSFER_STALLED,     /* stall_timeout or response_timeout passed */
    TRANSFER_NO_MEMORY,   /* this side had no memory to go on: nothing is known of Glance */
    TRANSFER_GIVEN_UP /* pull said STREAM_LOST, or gave more than the order's length: the request
                       * was cut, never ended as if whole */
};

struct upstream_callbacks {
    /* The final answer's status and fields, in order (interim 1xx are dropped). Borrowed. */
    void (*head)(void *owner, unsigned status, const struct headers *headers);
    /* Glance says 100 Continue: it begins to read the body. NULL: nobody wants to know. */
    void (*continued)(void *owner);
    /* A piece of the answer's body. False: no room now; it comes again after transfer_read_on(). */
    bool (*data)(void *owner, const void *bytes, size_t count);
    /* After transfer_read() or transfer_splice() has said STREAM_WAIT: it has something to say
     * again. NULL without transfer_take_rest(). */
    void (*more)(void *owner);
    /* Up to `room` bytes of the request's body, or a CLIENT_... code. NULL without a body. */
    ssize_t (*pull)(void *owner, void *into, size_t room);
    /* As pull, but into a pipe, without a look at the bytes, or STREAM_NO_SPLICE. With it, an
     * answer before all was given may end the exchange, whatever it says. NULL: never. */
    ssize_t (*move)(void *owner, int pipe, size_t room);
    /* The transfer is gone when this returns. `detail` is libcurl's own words; borrowed. */
    void (*done)(void *owner, enum transfer_result result, const char *detail);
};

/* AWS signature version 4, for a request without a body to an S3 gateway. The keys are not kept:
 * neither in the transfer, nor in libcurl's handles and connections once it has ended. */
struct transfer_signature {
    const char *region;
    const char *access_key;
    const char *secret_key;
};

/* What to send. Borrowed until transfer_start() returns. Content-Length and Transfer-Encoding
 * follow from `framing`; `headers` has neither, nor Expect. */
struct upstream_request {
    const char *method;
    const char *target; /* raw, origin form */
    const char *url;    /* of another server than Glance, instead of `target`: no other endpoint is
                         * tried then, and Glance's TLS settings do not apply. NULL: Glance */
    const struct transfer_signature *signature; /* with `url` only; NULL: none */
    const struct headers *headers;
    enum framing framing;
    uint64_t length;
    bool expect; /* 100 Continue is asked for. The body does not wait for it: that is up to pull */
    uint64_t timeout; /* ms that may pass before the answer, or within it; 0: as the settings say */
    unsigned *together; /* requests that belong together go to one endpoint as long as no other is
                         * better: 0 before the first of them, then transfer_start()'s. NULL: this
                         * one belongs to none */
};

/* The endpoint is the one whose turn it is (endpoints.h). The next one is tried when a connection
 * cannot be opened, while none of the body has been asked for; with GET and HEAD also when it
 * breaks off before the answer. `settings` must outlive the transfer. NULL: no memory. */
struct transfer *transfer_start(struct glance *glance, const struct settings *settings,
                                const struct upstream_request *request,
                                const struct upstream_callbacks *owner, void *context);

/* After pull said STREAM_WAIT: there is more to send now. Not from within an upcall. */
void transfer_write_on(struct transfer *transfer);

/* After data said false: there is room again. May be called from anywhere. */
void transfer_read_on(struct transfer *transfer);

/* After the head, and before data has taken a piece (it is to say false until then): the rest of
 * the answer's body, whose whole length is `length`, is the owner's to take, but for what libcurl
 * has read already, which comes by data from within. False: all of it goes on coming that way,
 * since it is not plain, or to a request that had a body. Not from within an upcall. */
bool transfer_take_rest(struct transfer *transfer, uint64_t length);

/* Up to `room` bytes of the rest, or STREAM_WAIT, STREAM_END, or STREAM_LOST (`done` will say why);
 * STREAM_NO_SPLICE if it comes by data(). */
ssize_t transfer_read(struct transfer *transfer, void *into, size_t room);

/* The same into a pipe that is empty, without a copy of the bytes. */
ssize_t transfer_splice(struct transfer *transfer, int pipe, size_t room);

/* Cuts the connection to Glance if the exchange on it is not over. No upcall follows; the transfer
 * is gone. Not from within an upcall; NULL is fine. */
void transfer_abort(struct transfer *transfer);

/* Whether the whole body of the request was pulled. */
bool transfer_all_given(const struct transfer *transfer);

#endif
