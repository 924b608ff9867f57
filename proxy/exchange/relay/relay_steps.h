/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are passed to Glance and back: their state and steps. Imports and the like use
 * them, too, with a state that begins with a struct relay_flow. */
#ifndef RELAY_STEPS_H
#define RELAY_STEPS_H

#include "exchange/core/exchange_priv.h"
#include "net/relay_buffer.h"

/* How Glance's answer is taken. */
enum answer_mode { ANSWER_COLLECT, ANSWER_STREAM };

/* Whether a JSON text that is read piece by piece may have the key "owner". */
struct owner_search {
    unsigned matched; /* bytes of "owner", with its quotes */
    bool escape;      /* the latest byte was a backslash */
    bool found;
};

struct relay_flow {
    struct exchange x; /* first: relay_of() needs that */
    enum answer_mode mode;
    uint64_t sent;              /* bytes of the client's body that Glance got */
    bool too_long;              /* the client's body has more bytes than it may have */
    struct owner_search owner;  /* in the body of a POST /v2/images */
    struct relay_buffer buffer; /* of a streamed answer */
    bool reader_undecided; /* a large answer: libcurl stays paused until transfer_take_rest() */
};

/* What differs between requests that are passed on. All functions may be NULL. */
struct relay_kind {
    struct exchange_kind base;
    bool canonical; /* its path goes to Glance in the canonical spelling */
    /* Reads bytes of the body that were buffered before. 0: no more, the client has the rest. */
    size_t (*read_buffered)(struct exchange *x, void *into, size_t room);
    /* Changes the headers for Glance. False: no memory. */
    bool (*change_headers)(const struct exchange *x, struct headers *out);
    /* Whether the body was rewritten: then to this length. */
    bool (*rewritten)(const struct exchange *x, uint64_t *length);
};

extern const struct relay_kind RELAY_KIND;
extern const struct step RELAY_STEPS[];

static inline struct relay_flow *relay_of(struct exchange *x)
{
    return (struct relay_flow *)x;
}

/* relay.c */
enum step_result relay_send_continue(struct exchange *x);
enum step_result relay_forward(struct exchange *x);
void relay_end(struct exchange *x);

/* reply.c */
bool relay_reply(struct exchange *x, struct reply *reply); /* for the client; false: no memory */

/* image_created.c: after POST /v2/images Glance is asked for the usage of the project. */
void image_created_read(struct relay_flow *relay, const char *bytes, size_t count); /* the body */
void image_created_answered(struct relay_flow *relay); /* the answer was collected */

/* image_deleted.c: after DELETE of an image, an upload to it that is held is dropped. */
void image_deleted_end(const struct exchange *x);

/* stream.c */
enum answer_mode stream_mode(struct relay_flow *relay, unsigned status,
                             const struct headers *fields);
bool stream_open(struct relay_flow *relay, unsigned status); /* before the body; false: no memory */
bool stream_put(struct relay_flow *relay, const void *bytes, size_t count); /* false: not now */
enum step_result stream_answer(struct relay_flow *relay);

#endif
