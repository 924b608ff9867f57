/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an upload, and the functions that they share. */
#ifndef UPLOAD_STEPS_H
#define UPLOAD_STEPS_H

#include "exchange/upload/upload_flow.h"
#include "intake/verify.h"

/* notes.c: records what the filters of the body have reported since the last call. */
void upload_note(struct upload_flow *upload);

/* admit.c: fills `head` and `size`. */
enum step_result upload_admit(struct exchange *x);

/* preflight.c */
enum step_result upload_preflight(struct exchange *x);
bool upload_ask_usage(struct exchange *x, struct quota_check *quota,
                      const struct headers *fields); /* false: no memory */
/* Reads the answer. False: there is none yet. */
bool upload_read_usage(struct exchange *x, struct quota_check *quota);

/* check_image.c */
enum step_result upload_check_image(struct exchange *x);

/* decide.c: asks the policy by what is known now, and obeys. */
enum step_result upload_decide(struct exchange *x);
/* The size is not known yet and could lead to another rule, so the decision does not count yet. */
bool upload_decision_waits(const struct upload_flow *upload);
/* An upload without data is right: the image has properties only, or its rule allows it. */
bool upload_may_be_empty(const struct image_check *check);
/* An audit rule that was chosen by size while other rules enforce. */
bool upload_chosen_by_size(const struct upload_flow *upload);
struct body_limits upload_limits(const struct upload_flow *upload);
/* How strict the checks of the data are, by the decision. */
struct check_levels upload_checks(const struct upload_flow *upload);

/* check_capacity.c */
enum step_result upload_check_capacity(struct exchange *x);

/* check_quota.c */
enum step_result upload_check_quota_early(struct exchange *x); /* if Glance tells the usage soon */
enum step_result upload_reserve_quota(struct exchange *x);     /* once it has told */
enum step_result upload_count_quota(struct exchange *x);

/* body.c */
enum step_result upload_prepare(struct exchange *x);
enum step_result upload_reevaluate(struct exchange *x);
bool upload_take_more(struct exchange *x); /* before libmicrohttpd has to buffer it */
enum step_result upload_refuse_body(struct upload_flow *upload); /* for the body's own reason */

/* wait_turn.c */
enum step_result upload_wait_turn(struct exchange *x);

/* send.c */
enum step_result upload_send(struct exchange *x);

/* headers.c: the fields that Glance gets, and those of the answer. False: no memory. */
bool upload_headers(const struct upload_flow *upload, struct headers *out);
bool upload_sends_octets(const struct headers *out);
unsigned upload_fixes(const struct upload_flow *upload); /* enum record_fix */
/* What would be fixed too, without audit mode. */
unsigned upload_audit_fixes(const struct upload_flow *upload);
bool upload_add_headers(const struct exchange *x, struct headers *out);
/* Glance has stored all that was sent, so far as is known. */
bool upload_is_stored(const struct upload_flow *upload);

/* await_glance.c: all but the first bytes wait until Glance has begun to read the body. */
void await_glance_begin(struct upload_flow *upload); /* before the transfer */
/* How many of `room` bytes may be sent now. */
size_t await_glance_room(const struct upload_flow *upload, size_t room);
void await_glance_continued(void *owner);           /* Glance said 100 Continue */
void await_glance_step(struct upload_flow *upload); /* something has changed */
void await_glance_end(struct upload_flow *upload);

/* poll_image.c */
struct poll_plan {
    bool later; /* wait before the first question, too */
    uint64_t timeout_ms;
    uint64_t wait_ms, wait_max_ms; /* between two questions: it doubles */
};

enum poll_result {
    POLL_WAIT,
    POLL_SEEN,   /* `seen` is the caller's to free */
    POLL_GONE,   /* the image does not exist any more */
    POLL_DENIED, /* the caller may not see it any more */
    POLL_FAILED  /* the time is over, and no answer told */
};

enum poll_result upload_poll(struct upload_flow *upload, const struct poll_plan *plan,
                             struct image *seen);
/* Asks again, later. False: the time is over. */
bool upload_poll_later(struct upload_flow *upload, const struct poll_plan *plan);
/* Wakes the exchange after `ms`, with `due` set. False: no memory. */
bool upload_set_poll_timer(struct upload_flow *upload, uint64_t ms);

/* verify.c */
enum step_result upload_verify(struct exchange *x);

/* compare.c */
enum verify_verdict upload_compare(struct upload_flow *upload, const struct image *seen,
                                   char why[VERIFY_WORDS]);

/* find_outcome.c */
enum step_result upload_find_outcome(struct upload_flow *upload);

/* glance_checks.c */
unsigned glance_checks_expected(const struct upload_flow *upload); /* as struct body_plan has it */
/* Whether the answer is that of a Glance that checks the format after storing the data. */
bool glance_checks_refused(const struct upload_flow *upload);
enum step_result glance_checks_see_image(struct upload_flow *upload); /* at the image after that */
void glance_checks_learn_taken(struct upload_flow *upload); /* Glance has taken the upload */

#endif
