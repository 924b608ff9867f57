/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an upload, and what they share with the steps of an import. */
#ifndef UPLOAD_STEPS_H
#define UPLOAD_STEPS_H

#include "exchange/core/exchange_priv.h"

/* notes.c: what the filters of the body have let pass since the last time. */
void upload_note(struct exchange *x);

/* answer.c: Glance's answer, in x->glance.answer. */
enum step_result upload_pass_answer(struct exchange *x);

/* admit.c: fills `empty`, `declared_form`, `promise`, `size` and `head_fixes`. */
enum step_result upload_admit(struct exchange *x);

/* preflight.c */
enum step_result upload_preflight(struct exchange *x);
/* Into `image_asked`. False: no memory. */
bool upload_ask_image(struct exchange *x, uint64_t timeout_ms);
/* Once that is over: into `image`. What is not 200 is the client's answer. */
enum step_result upload_take_image(struct exchange *x);
void upload_end_asking(struct exchange *x);
bool upload_ask_usage(struct exchange *x);  /* false: no memory */
bool upload_hear_usage(struct exchange *x); /* false: not answered yet */

/* check_capacity.c */
enum step_result upload_check_capacity(struct exchange *x);

/* check_quota.c */
enum step_result upload_check_quota(struct exchange *x);
enum step_result upload_check_quota_early(struct exchange *x); /* if Glance tells the usage soon */
enum step_result upload_quota(struct exchange *x);             /* once it has told */
enum step_result upload_counted(struct exchange *x);

/* wait_turn.c */
enum step_result upload_wait_turn(struct exchange *x);

/* poll_image.c */
struct poll_plan {
    bool later; /* wait before the first look, too */
    uint64_t timeout_ms;
    uint64_t wait_ms, wait_max_ms; /* between two looks: it doubles */
};

enum look {
    POLL_WAIT,
    POLL_SEEN,   /* `seen` is the caller's to free */
    POLL_GONE,   /* there is no such image any more */
    POLL_DENIED, /* its caller may not see it any more */
    POLL_FAILED  /* the time was over before an answer told */
};

enum look upload_poll(struct exchange *x, const struct poll_plan *plan, struct image *seen);
bool upload_poll_later(struct exchange *x, const struct poll_plan *plan); /* false: no more */

/* verify.c */
enum step_result upload_verify(struct exchange *x);

/* compare.c */
enum verify_verdict upload_compare(struct exchange *x, const struct image *seen,
                                   char why[VERIFY_WORDS]);

/* find_outcome.c */
enum step_result upload_find_outcome(struct exchange *x);

/* glance_checks.c */
unsigned inspected_refuses(const struct exchange *x); /* as struct body_plan has it */
/* Is the answer the one of a Glance that has looked at the format after storing the data? */
bool inspected_refused(const struct exchange *x);
enum step_result inspected_look(struct exchange *x); /* at what is left of the image */
void inspected_taken(struct exchange *x);            /* Glance has taken the upload */

/* check_image.c */
enum step_result upload_check_image(struct exchange *x);
/* Notes that this request is under way, until exchange_close_record(); reports a violation if
 * Glance is taking another one's data. */
enum step_result upload_lock_image(struct exchange *x);
/* What Glance says of it now: after upload_lock_image(). */
enum step_result upload_check_status(struct exchange *x, const struct image *image);

/* decide.c: asks the policy by what is known now, and obeys. */
enum step_result upload_decide(struct exchange *x);
/* The size is not known yet and could lead to another rule, so the decision does not count yet. */
bool upload_decision_waits(const struct exchange *x);
/* Facts about the image and the client. The rest depends on the kind of request. */
struct policy_facts upload_facts(const struct exchange *x);
enum step_result upload_report_size(struct exchange *x, uint64_t size, uint64_t max);
/* Reports a store that Glance does not have. It is the client's mistake if the client asked for it.
 */
enum step_result upload_look_for_store(struct exchange *x, const char *store, bool was_requested);
/* An upload without data is right: the image has properties only, or its rule allows it. */
bool upload_may_be_empty(const struct exchange *x);
/* An audit rule that was chosen by size while other rules enforce. */
bool upload_chosen_by_size(const struct exchange *x);
struct body_limits upload_limits(const struct exchange *x);
/* How strict the checks of the data are, by the decision. */
struct check_levels upload_checks(const struct exchange *x);

/* send.c */
enum step_result upload_send(struct exchange *x);
enum step_result upload_refuse_body(struct exchange *x); /* for the body's own reason */
enum step_result upload_drop_client(struct exchange *x);

/* await_glance.c: all but the first bytes wait until Glance has begun to take the upload. */
void await_glance_begin(struct exchange *x);                     /* before the transfer */
size_t await_glance_room(const struct exchange *x, size_t room); /* bytes that may be sent now */
void await_glance_continued(void *owner);                        /* Glance said 100 Continue */
void await_glance_step(struct exchange *x);                      /* something has changed */
void await_glance_end(struct exchange *x);

#endif
