/* SPDX-License-Identifier: Apache-2.0 */
/* The Glance side: the only folder that knows libcurl. A transfer is one request to Glance, or to
 * the S3 gateway of a bucket.
 *
 * The callbacks `head`, `continued`, `data`, `pull` and `move` run inside libcurl: they may note
 * and copy, and must not start or abort a transfer. `done` comes from the worker's loop and is the
 * last one. */
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

/* The Glance side of one worker. `loop` is borrowed. NULL: no memory. */
struct glance *glance_new(struct loop *loop);

/* Sets the shared state of the endpoints. Borrowed. Without it, or with NULL, endpoints are tried
 * in the order of the settings. */
void glance_share_endpoints(struct glance *glance, struct endpoints *endpoints);
void glance_free(struct glance *glance); /* all transfers must have ended; NULL is fine */

enum transfer_result {
    /* the whole answer came. Of an error answer to an upload the head is enough */
    TRANSFER_ANSWERED,
    TRANSFER_UNREACHABLE, /* no endpoint could be connected to; nothing was sent */
    TRANSFER_FAILED,      /* the connection broke while sending, or before the end of the answer */
    TRANSFER_STALLED,     /* stall_timeout or response_timeout passed */
    TRANSFER_NO_MEMORY,   /* the proxy had no memory to continue; it says nothing about Glance */
    /* pull returned STREAM_LOST, or more than the request's length. The connection was cut, so
     * Glance does not take the request for complete */
    TRANSFER_GIVEN_UP
};

struct upstream_callbacks {
    /* The status and fields of the final answer, in order; interim 1xx answers are skipped.
     * Borrowed. */
    void (*head)(void *owner, unsigned status, const struct headers *headers);
    /* Glance has sent 100 Continue: it begins to read the body. May be NULL. */
    void (*continued)(void *owner);
    /* A block of the answer's body. False: not now; the same block comes again after
     * transfer_read_on(). */
    bool (*data)(void *owner, const void *bytes, size_t count);
    /* After transfer_read() or transfer_splice() has returned STREAM_WAIT: call it again. May be
     * NULL without transfer_take_rest(). */
    void (*more)(void *owner);
    /* Returns up to `room` bytes of the request's body, or an enum stream_code. NULL without a
     * body. */
    ssize_t (*pull)(void *owner, void *into, size_t room);
    /* As pull, but into a pipe, unread; may return STREAM_NO_SPLICE. It is set for image data only:
     * an answer before the end of the body then ends the exchange (a 2xx as a failure). NULL: never
     * spliced. */
    ssize_t (*move)(void *owner, int pipe, size_t room);
    /* The transfer is freed when this returns. `detail` is libcurl's error text; borrowed. */
    void (*done)(void *owner, enum transfer_result result, const char *detail);
};

/* AWS signature version 4, for a request without a body to an S3 gateway. The keys are not kept
 * after the transfer has ended: neither in the transfer, nor in libcurl's handles and
 * connections. */
struct transfer_signature {
    const char *region;
    const char *access_key;
    const char *secret_key;
};

/* A request to send. Borrowed until transfer_start() returns. Content-Length and Transfer-Encoding
 * follow from `framing`; `headers` has neither of them, nor Expect. */
struct upstream_request {
    const char *method;
    const char *target; /* not decoded, origin form */
    /* of another server than Glance, instead of `target`. No other endpoint is tried then, and
     * Glance's TLS settings do not apply. NULL: Glance */
    const char *url;
    const char *ca_file; /* only with `url`: the authorities to trust; NULL: the system's */
    const struct transfer_signature *signature; /* only with `url`; NULL: none */
    const struct headers *headers;
    enum framing framing;
    uint64_t length;
    const char *body; /* of a fetch only: `length` bytes, borrowed until its end; NULL: no body */
    /* sends Expect: 100-continue. The body does not wait for the answer; `pull` may return
     * STREAM_WAIT */
    bool expect;
    uint64_t timeout; /* in ms, before the answer and between its bytes; 0: as the settings say */
    /* requests that share this variable go to one endpoint as long as no other is better. Set it to
     * 0 before the first of them; transfer_start() then keeps it. NULL: the request is on its
     * own */
    unsigned *together;
    /* The request goes to the endpoint that `together` names, and to no other. */
    bool stay;
};

/* The endpoint is chosen by endpoints_choose(). If a connection cannot be opened, the next endpoint
 * is tried, but not after `pull` was called. With GET and HEAD it is also tried if the connection
 * breaks before the answer. `settings` must outlive the transfer. NULL: no memory. */
struct transfer *transfer_start(struct glance *glance, const struct settings *settings,
                                const struct upstream_request *request,
                                const struct upstream_callbacks *owner, void *context);

/* After `pull` has returned STREAM_WAIT: the body can continue. Not from within a callback. */
void transfer_write_on(struct transfer *transfer);

/* After `data` has returned false: it can take the block now. May be called from anywhere. */
void transfer_read_on(struct transfer *transfer);

/* Hands the rest of the answer's body to the owner, who reads it with transfer_read() or
 * transfer_splice(). Call it after `head`; until then `data` must return false. `length` is that of
 * the whole body. What libcurl has already read comes by `data`, from within this call. False: the
 * whole body comes by `data`, for example because the connection uses TLS or the request had a
 * body. Not from within a callback. */
bool transfer_take_rest(struct transfer *transfer, uint64_t length);

/* Returns up to `room` bytes of the rest, STREAM_WAIT, STREAM_END, or STREAM_LOST (`done` tells the
 * reason). STREAM_NO_SPLICE: the body comes by `data`. */
ssize_t transfer_read(struct transfer *transfer, void *into, size_t room);

/* The same into an empty pipe, without a copy. */
ssize_t transfer_splice(struct transfer *transfer, int pipe, size_t room);

/* Ends the transfer and frees it; no callback follows. Closes the connection to Glance if the
 * answer is not complete. Not from within a callback; NULL is fine. */
void transfer_abort(struct transfer *transfer);

#endif
