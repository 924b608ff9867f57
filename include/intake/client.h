/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of one exchange: a request comes in, its body is pulled, an answer goes out.
 *
 * Back-pressure is one pair in each direction: client_read() that says STREAM_WAIT and the
 * `readable` event; a source that says STREAM_WAIT and client_more(). A client lives from
 * `opened` to `closed`, on one worker. */
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
struct reply;

enum client_loss {
    CLIENT_VANISHED,  /* closed or reset the connection */
    CLIENT_STALLED,   /* owed a body byte for stall_timeout; it can still be answered */
    CLIENT_MALFORMED, /* sent a body that cannot be read, see client_fault(); it can be answered */
    CLIENT_NO_MEMORY  /* a piece of its body could not be kept; it can still be answered */
};

/* What the listener tells the owner of its requests. The events come in the worker's thread, from
 * the listener's calls, never from within client_read(). */
struct client_events {
    /* A request head has arrived. Returns what the other events are given; NULL: no memory, which
     * the client is told. The owner may answer or invite from within. */
    void *(*opened)(void *context, struct client *client);
    /* client_read() has something to say again. */
    void (*readable)(void *exchange);
    /* Told at most once, before `closed`. */
    void (*lost)(void *exchange, enum client_loss why);
    /* The last event: the client is gone when this returns. `answered`: the whole answer went. */
    void (*closed)(void *exchange, bool answered);
};

/* Facts; borrowed until `closed`. */
const struct request_head *client_head(const struct client *client);
const struct framing_facts *client_framing(const struct client *client);
/* What is wrong with the head, or with the body so far, and what that is refused with. NULL:
 * nothing;
 * "": the refusal says it all. */
const char *client_fault(const struct client *client);
enum refusal client_refusal(const struct client *client);
bool client_over_limit(const struct client *client);  /* one connection more than may be open */
const char *client_peer(const struct client *client); /* numeric address */
bool client_is_tls(const struct client *client);

/* Asks for the body: 100 Continue goes out if the client waits for it. Once, and only if the
 * framing says there is a body. */
void client_invite(struct client *client);

/* Up to `room` body bytes, or one of the codes above. */
ssize_t client_read(struct client *client, void *into, size_t room);

/* As client_read(), but into a pipe that is empty, without a copy of the bytes. */
ssize_t client_splice(struct client *client, int pipe, size_t room);

/* Whether every body byte has been read. */
bool client_body_complete(const struct client *client);

/* Whether client_answer_stream() may be used: the body is complete, and libmicrohttpd saw it. */
bool client_can_stream(const struct client *client);

/* Glance knows who the caller is: what he still sends when he has his answer is read for longer. */
void client_vouch(struct client *client);

/* Takes over the content of `reply` (which is empty afterwards) and sends it. If the body is not
 * complete, the answer goes out at once all the same, and the connection ends after it: what the
 * client still sends is read and dropped, bounded in time and bytes, so that it sees the answer
 * and not a reset. Once. */
void client_answer(struct client *client, struct reply *reply);

/* An answer whose body is still to come. `pull` gives up to `room` bytes, STREAM_WAIT (then call
 * client_more()), STREAM_END, or STREAM_LOST, which ends the connection so that the client cannot
 * take the answer for complete. It may be called until `closed`. */
struct client_stream {
    unsigned status;
    bool length_known;
    uint64_t length;
    ssize_t (*pull)(void *context, void *into, size_t room);
    /* As pull, but into a pipe that is empty, without a look at the bytes, or STREAM_NO_SPLICE. */
    ssize_t (*move)(void *context, int pipe, size_t room);
    void *context;
};

/* Only if client_can_stream(). Takes over the headers. Once. */
void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers);
void client_more(struct client *client);

/* Answers 503 `out_of_memory` from memory that is always there, then ends the connection. Where an
 * answer has begun already, the connection ends without a further word. `closed` follows. */
void client_out_of_memory(struct client *client);

/* Ends the connection without a further word. `closed` follows. */
void client_drop(struct client *client);

#endif
