/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an upload to /upload/, which makes its own image, and the steps for that.
 *
 *   new_image.c    the steps in their order, and the kind
 *   login.c        who asks, and for which project
 *   admit.c        what the address and the head say
 *   foresee.c      asks Glance, and the policy before the image exists
 *   repeat.c       is the image there already, because the request was sent before?
 *   opening.c      reads the opening of the data, decompresses it, and finds the format in it
 *   create.c       creates the image
 *   answer.c       tells the client what it has
 *   describe.c     another kind: which image a file would become, from its opening
 *   removal.c      deletes an image that is not to stay */
#ifndef NEW_IMAGE_FLOW_H
#define NEW_IMAGE_FLOW_H

#include "exchange/upload/upload_steps.h"
#include "intake/format.h"
#include "intake/new_image.h"
#include "intake/repetitions.h"

struct login;

/* It only goes forward. */
enum new_image_state {
    NEW_IMAGE_NONE,
    NEW_IMAGE_ASKED, /* Glance was asked for it: it may exist */
    NEW_IMAGE_MADE,
    NEW_IMAGE_KEPT, /* the client is told that it is there */
    NEW_IMAGE_GIVEN_UP
};

enum repeat_phase {
    REPEAT_WAITS, /* for the end of the same request, which is running */
    REPEAT_LISTS, /* Glance is asked whether there is an image with this digest */
    REPEAT_SHOWS  /* Glance is asked for the image that was made before */
};

/* The request may have been sent before. */
struct repeat_state {
    struct repetition *running; /* NULL: it is not noted */
    bool by_key;                /* it is known by its Idempotency-Key, not by its digest */
    enum repeat_phase phase;
    uint64_t began_ms;                      /* clock_ms() */
    uint64_t sent;                          /* as in `made`, but by this request */
    struct repetition_made made;            /* before; no image: not known */
    char digest[2 * PROMISE_BYTES_MAX + 1]; /* in hexadecimal digits; "": none is promised */
};

struct new_image_flow {
    struct upload_flow upload; /* first: upload_of() needs that */
    struct login *login;
    struct new_image wanted;
    char fault[NEW_IMAGE_FAULT_MAX]; /* of the address or the head, as a clause; "": none */
    bool no_memory;                  /* it could not be read */
    enum new_image_state state;
    struct fetch listing; /* a question before the image exists */
    struct repeat_state repeat;

    struct body *finder; /* reads the opening; NULL: not yet, or not any more */
    struct buffer read;  /* what it has read from the client, which comes once more */
    struct format_found found;
    bool decompressed;    /* the format was found in the data as it is decompressed */
    uint64_t length;      /* bytes of the image; FORMAT_LENGTH_UNKNOWN */
    uint64_t file_length; /* of the file, if the request has only its opening; 0: it has the file */

    struct buffer json; /* with which the image is created */
    size_t json_sent;
};

static inline struct new_image_flow *new_image_of(struct exchange *x)
{
    return (struct new_image_flow *)x;
}

extern const struct exchange_kind NEW_IMAGE_KIND;
extern const struct exchange_kind DESCRIBE_KIND;

/* new_image.c */
/* Reads what the request says, and chooses the id of the image. */
void new_image_begin(struct new_image_flow *flow);
enum step_result new_image_invite(struct exchange *x); /* 100 Continue, and the first byte */
void new_image_end(struct exchange *x);                /* a member of both kinds */

/* login.c */
enum step_result new_image_login(struct exchange *x);

/* admit.c */
/* Reads what the address and the head say of the image. A fault waits for new_image_admit(). */
void new_image_read(struct new_image_flow *flow);
enum step_result new_image_admit(struct exchange *x);

/* foresee.c */
enum step_result new_image_preflight(struct exchange *x);
enum step_result new_image_foresee(struct exchange *x); /* as far as it can be foreseen */
enum step_result new_image_decide(struct exchange *x);  /* after new_image_open() */

/* repeat.c */
enum step_result new_image_repeat(struct exchange *x);
/* `image`: the id in the answer, which is remembered. NULL: there is none, and an earlier image is
 * still remembered. May be repeated. */
void new_image_end_repetition(struct new_image_flow *flow, const char *image);

/* opening.c */
enum step_result new_image_open(struct exchange *x);

/* create.c */
bool new_image_write_json(struct new_image_flow *flow); /* to `json`. False: no memory */
enum step_result new_image_create(struct exchange *x);

/* answer.c */
enum step_result new_image_show(struct exchange *x);
enum step_result new_image_answer(struct exchange *x);
/* 200 with the image that was made before; its description is the answer to `listing`. */
enum step_result new_image_answer_again(struct new_image_flow *flow);

/* removal.c */
/* Deletes the image in Glance, if there may be one that is not to stay. May be repeated. */
void new_image_undo(struct new_image_flow *flow);

#endif
