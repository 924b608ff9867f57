/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, from the request line to the end of the connection's interest in
 * it. server.c owns it; the handlers of routes.c read it and make the answer. */
#ifndef SMALL_GLANCE_EXCHANGE_H
#define SMALL_GLANCE_EXCHANGE_H

#include "answer.h"
#include "fault.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glance;
struct principal;
struct route;
struct upload;

enum { SEGMENTS_MAX = 8, JSON_BODY_MAX = 1 << 20 };

struct exchange {
    struct glance *glance;
    struct MHD_Connection *connection;
    char *target;       /* as the client sent it */
    const char *method; /* "": libmicrohttpd refused the head */
    char *path;         /* the segments live here */
    const char *segments[SEGMENTS_MAX];
    size_t segment_count; /* SEGMENTS_MAX + 1: too many for any route */
    const char *image_id; /* the path's {id}; "": none */
    char request_id[72];  /* "": this answer carries none */
    const struct route *route;
    const struct principal *caller; /* NULL on routes that need no token */
    struct fault fault;

    struct upload *upload; /* takes the body; NULL: `body` does */
    char *body;
    size_t body_length;
    uint64_t received; /* body bytes */
    bool whole;        /* the body was complete */

    struct answer answer;
    bool answered; /* written to the socket already: what is left of the body is dropped */
    bool journaled;
};

struct exchange *exchange_new(struct glance *glance, const char *target);
void exchange_free(struct exchange *exchange);

/* Splits the path as Glance does: unquoted first, then cut at slashes, empty segments gone. */
bool exchange_read_path(struct exchange *exchange);
bool exchange_read_request_id(struct exchange *exchange);

/* A header as eventlet's WSGI hands it on: '_' is as good as '-', repeated ones are joined by
 * commas in the order they came. NULL: there is none. The caller frees it. */
char *exchange_header(const struct exchange *exchange, const char *name);
bool exchange_header_is(const struct exchange *exchange, const char *name, const char *value);

/* Whether a body was announced, and whether its sender waits for 100 Continue. */
bool exchange_has_body(const struct exchange *exchange);
bool exchange_expects_continue(const struct exchange *exchange);

int exchange_socket(const struct exchange *exchange);

/* The body as JSON; NULL: answered with 400. The caller drops the reference. */
json_t *exchange_json(struct exchange *exchange);

#endif
