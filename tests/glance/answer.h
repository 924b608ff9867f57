/* SPDX-License-Identifier: Apache-2.0 */
/* An answer: made by a handler, sent by libmicrohttpd or, in the middle of a body, directly. */
#ifndef SMALL_GLANCE_ANSWER_H
#define SMALL_GLANCE_ANSWER_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct exchange;

enum { ANSWER_HEADERS_MAX = 8 };

struct answer {
    unsigned status; /* 0: not made yet */
    struct {
        const char *name; /* a literal */
        char *value;      /* owned */
    } headers[ANSWER_HEADERS_MAX];
    size_t header_count;
    char *body; /* owned; NULL: none */
    size_t length;
    struct MHD_Response *stream; /* owned; the body where it is not in memory */
};

void answer_empty(struct exchange *exchange, unsigned status);

/* Takes over the reference. */
void answer_json(struct exchange *exchange, unsigned status, json_t *body);
void answer_text(struct exchange *exchange, unsigned status, const char *text);

/* An error in the form that the request's Accept asks for. */
void answer_error(struct exchange *exchange, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void answer_header(struct exchange *exchange, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Through libmicrohttpd, which takes it only before or after a body. */
enum MHD_Result answer_queue(struct exchange *exchange);

/* Straight to the socket, at any time. False: the client is gone. */
bool answer_write(struct exchange *exchange);

void answer_free(struct answer *answer);

#endif
