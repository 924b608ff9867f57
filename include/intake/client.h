/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of one exchange: it receives the request, lets its owner pull the body, and
 * sends the answer.
 *
 * Back-pressure is a pair in each direction. For the request body: client_read() returns
 * STREAM_WAIT, then the event `readable` follows. For a streamed answer: `pull` returns
 * STREAM_WAIT, then its owner calls client_more(). A client lives from `opened` to `closed`, on one
 * worker. */
#ifndef INTAKE_CLIENT_H
#define INTAKE_CLIENT_H

#include "intake/refusal.h"
#include "intake/request.h"
#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct client;
struct headers;
struct reply;

enum client_loss {
    CLIENT_VANISHED, /* closed or reset the connection */
    /* sent no body byte for stall_timeout although one was wanted; it can still be answered */
    CLIENT_STALLED,
    /* sent a body with faulty framing, see client_fault(); it can still be answered */
    CLIENT_MALFORMED,
    CLIENT_NO_MEMORY /* there was no memory to keep a block of its body; it can still be answered */
};

/* What the listener tells the owner of its requests. The events run in the worker's thread. They
 * are called by the listener, never from within client_read(). */
struct client_events {
    /* A request head has arrived. Returns the pointer that the other events get. NULL: no memory;
     * the listener then answers 503. The owner may call client_answer() or client_invite() from
     * within. */
    void *(*opened)(void *context, struct client *client);
    /* After client_read() has returned STREAM_WAIT: it can be called again. */
    void (*readable)(void *exchange);
    /* The client, or the rest of its body, is lost. Called at most once, before `closed`. */
    void (*lost)(void *exchange, enum client_loss why);
    /* The last event: the client is freed when this returns. `answered`: the whole answer was
     * sent. */
    void (*closed)(void *exchange, bool answered);
};

/* Facts about the request. Pointers are borrowed until `closed`. */
const struct request_head *client_head(const struct client *client);
const struct framing_facts *client_framing(const struct client *client);
/* The fault of the head, or of the body so far, and the refusal that answers it. The fault is NULL
 * if there is none, and "" if the refusal needs no further words. */
const char *client_fault(const struct client *client);
enum refusal client_refusal(const struct client *client);
bool client_over_limit(const struct client *client); /* its connection exceeds max_connections */
/* Numeric address; "" for a peer on a unix socket. */
const char *client_peer(const struct client *client);
bool client_is_tls(const struct client *client);
/* False: a certificate is required, and the client has shown none that is accepted. */
bool client_is_certified(struct client *client);

/* Overwrites the values of Authorization, here and in libmicrohttpd's memory: they may be
 * passwords. client_head() then has "" for them. */
void client_wipe_secrets(struct client *client);

/* Asks for the body: 100 Continue is sent if the client waits for it. Call it once, and only if the
 * framing says that there is a body. */
void client_invite(struct client *client);

/* Sends an interim answer (1xx) before client_invite(). Nothing is sent to a client of HTTP/1.0, or
 * without memory. False: the connection did not take all of it at once, and has ended. */
bool client_send_interim(struct client *client, const char *status, const struct headers *headers);

/* Returns up to `room` body bytes, or STREAM_WAIT, STREAM_END or STREAM_LOST. */
ssize_t client_read(struct client *client, void *into, size_t room);

/* As client_read(), but moves the bytes into an empty pipe without a copy. STREAM_NO_SPLICE: call
 * client_read() instead. */
ssize_t client_splice(struct client *client, int pipe, size_t room);

/* Whether every body byte has been read. */
bool client_body_complete(const struct client *client);

/* Whether client_answer_stream() may be used: the body is complete, and libmicrohttpd saw it. */
bool client_can_stream(const struct client *client);

/* Glance has accepted the caller's token. After an early answer the proxy then drains more of what
 * the client still sends, and for longer. */
void client_vouch(struct client *client);

/* Takes over the content of `reply` (which is empty afterwards) and sends it. An incomplete body
 * does not delay the answer. The connection then ends after it, and the proxy reads and drops what
 * the client still sends, bounded in time and bytes: otherwise a reset could destroy the answer.
 * Call it once. */
void client_answer(struct client *client, struct reply *reply);

/* An answer with a streamed body. `pull` returns up to `room` bytes, STREAM_WAIT (call
 * client_more() later), STREAM_END, or STREAM_LOST. STREAM_LOST ends the connection so that the
 * client cannot take the answer for complete. `pull` may be called until `closed`. */
struct client_stream {
    unsigned status;
    bool length_known;
    uint64_t length;
    ssize_t (*pull)(void *context, void *into, size_t room);
    /* As pull, but into an empty pipe, unread. May return STREAM_NO_SPLICE. */
    ssize_t (*move)(void *context, int pipe, size_t room);
    void *context;
};

/* Call it once, and only if client_can_stream(). Takes over the headers. */
void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers);
void client_more(struct client *client);

/* Answers 503 `out_of_memory` without allocating, then ends the connection. If an answer has
 * already begun, it only ends the connection. `closed` follows. */
void client_out_of_memory(struct client *client);

/* The owner has no interest in the client any more, and gets no more events. An answer that was
 * given is still sent; without one the connection ends. */
void client_leave(struct client *client);

/* Ends the connection without an answer. `closed` follows. */
void client_drop(struct client *client);

#endif
