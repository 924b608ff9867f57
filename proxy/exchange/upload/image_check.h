/* SPDX-License-Identifier: Apache-2.0 */
/* What uploads and imports have in common: they ask Glance for the image and its stores, and the
 * policy for a store; and they lock the image. */
#ifndef IMAGE_CHECK_H
#define IMAGE_CHECK_H

#include "exchange/core/exchange_priv.h"
#include "intake/image.h"
#include "intake/policy.h"

struct upload_lock;

/* Zero-initialised. Owned by a kind's state: image_check_stop(), image_check_unlock() and
 * image_check_free() at its end. */
struct image_check {
    struct headers fields; /* of every question to Glance, the client's token among them */
    struct fetch image_question, stores_question;
    struct headers cors;   /* what Glance's answer about the image lets a browser read */
    struct image image;    /* as Glance described it before the upload */
    char *requested_store; /* that the client asked for; NULL: none */
    char *user_agent;      /* of the client that began; NULL: none */
    bool may_upload;       /* Glance has said that the caller may upload to the image */
    struct policy_decision decision;
    struct upload_lock *lock; /* NULL: not locked yet, or given back */
    uint64_t await_began_ms;  /* clock_ms(); owned by await_queued.c. 0: it has not begun */
};

/* The size of the image's data, without a form around it. */
struct upload_size {
    bool known;
    bool comes_later; /* not known yet, but known before a byte goes to Glance */
    uint64_t bytes;   /* if it is known */
};

/* image_questions.c */
/* Fills `fields` and `user_agent` from the client's head. False: no memory. */
bool image_check_begin(const struct exchange *x, struct image_check *check);
/* Starts a GET whose end wakes the exchange. False: no memory. */
bool image_check_ask(struct exchange *x, const struct headers *fields, struct fetch *fetch,
                     const char *target, uint64_t timeout_ms);
bool image_check_ask_image(struct exchange *x, struct image_check *check, uint64_t timeout_ms);
/* Asks for the stores unless the worker knows them. */
bool image_check_ask_stores(struct exchange *x, struct image_check *check);
/* Waits for both answers. A refusal by Glance is the client's answer. */
enum step_result image_check_wait(struct exchange *x, struct image_check *check);
/* The same for any question that is over. */
enum step_result image_check_judge(struct exchange *x, struct fetch *fetch);
/* The stores alone. False: their question is not over. */
bool image_check_take_stores(struct exchange *x, struct image_check *check);
/* As image_check_wait(), for the image alone, whose question is over. */
enum step_result image_check_take_image(struct exchange *x, struct image_check *check);
/* Reads the answer to a later question for the image into `seen`, which the caller frees. False:
 * there is no answer, or it does not describe the image. */
bool image_check_read(const struct image_check *check, struct image *seen);
/* Whether the answer is a 200. Other answers are logged, except 404: an older Glance. `what`
 * completes "Glance does not tell". */
bool image_check_was_told(const struct exchange *x, const struct fetch *fetch, const char *what);
static inline bool image_check_is_waiting(const struct fetch *fetch)
{
    return fetch->begun && !fetch->over;
}
void image_check_stop(struct exchange *x, struct image_check *check); /* ends both questions */
void image_check_free(struct image_check *check);

/* await_queued.c */
/* The upload to the image was dropped now. */
void image_check_begin_await_queued(struct exchange *x, struct image_check *check);
/* Waits until the image is not `saving` any more, ten seconds at most; `image` is then its latest
 * description. A refusal by Glance is the client's answer. */
enum step_result image_check_await_queued(struct exchange *x, struct image_check *check);

/* image_lock.c */
/* Locks the image until image_check_unlock(). Reports a violation if Glance is taking the data of
 * another upload. */
enum step_result image_check_lock(struct exchange *x, struct image_check *check,
                                  const struct upload_size *size);
void image_check_unlock(struct image_check *check);
/* Reports a violation unless the image, as Glance describes it now, is queued and clean. The image
 * is locked. */
enum step_result image_check_status(struct exchange *x, const struct image_check *check,
                                    const struct image *image);

/* image_facts.c */
/* Facts about the image and the client, for the policy. The caller adds the others. */
struct policy_facts image_check_facts(const struct exchange *x, const struct image_check *check);
void image_check_describe(const struct image_check *check, struct refusal_context *out);
enum step_result report_too_large(struct exchange *x, uint64_t size, uint64_t max);
/* Reports a store that Glance does not have. It is the client's mistake if the client asked for it.
 */
enum step_result report_missing_store(struct exchange *x, const char *store, bool was_requested);

#endif
