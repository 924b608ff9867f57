/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an upload, and the functions that they share. */
#ifndef UPLOAD_STEPS_H
#define UPLOAD_STEPS_H

#include "exchange/upload/quota_answer.h"
#include "exchange/upload/upload_flow.h"
#include "intake/client.h"
#include "intake/verify.h"

/* notes.c: records what the filters of the body have reported since the last call. */
void upload_note(struct upload_flow *upload);

/* admit.c: fills `head` and `size`. */
enum step_result upload_admit(struct exchange *x);

/* creation.c: an upload that is created before its data comes. */
enum step_result upload_admit_creation(struct exchange *x);
/* A client of the draft sends the whole, and would go on with it: then it is a creation, too. */
void upload_offer_resumption(struct upload_flow *upload);
void upload_take_length(struct upload_flow *upload, uint64_t length); /* of all parts */
/* Answers the client, unless it sends a first part. Waits for the data. */
enum step_result upload_await_data(struct exchange *x);
/* The client learns that the upload is created, and leaves. False: no memory. */
bool upload_tell_created(struct upload_flow *upload);
/* As add_to_answer; a client that goes on with the upload gets its fields elsewhere. */
bool upload_add_to_answer(const struct exchange *x, struct headers *out);

/* framing.c: how the whole data of the upload comes, in one request or in several. */
enum framing upload_framing(const struct upload_flow *upload);
uint64_t upload_length(const struct upload_flow *upload); /* with FRAMING_LENGTH */
/* The same for an upload that can be resumed, also without a client. It is not that of the image if
 * the data is unpacked. */
uint64_t upload_data_length(const struct upload_flow *upload);
bool upload_has_body(const struct upload_flow *upload);

/* preflight.c */
enum step_result upload_preflight(struct exchange *x);

/* hash_algorithm.c */
void hash_algorithm_ask(struct upload_flow *upload);  /* unless it is known */
void hash_algorithm_take(struct upload_flow *upload); /* if the answer is there */
void hash_algorithm_stop(struct upload_flow *upload);

/* check_image.c */
enum step_result upload_check_image(struct exchange *x);

/* decide.c: asks the policy by what is known now, and obeys. */
enum step_result upload_decide(struct exchange *x);
/* The size is not known yet and could lead to another rule, so the decision does not count yet. */
bool upload_decision_waits(const struct upload_flow *upload);
/* After the decision: the body will be on disk as a whole before a byte of it goes to Glance. */
bool upload_is_spooled_first(const struct upload_flow *upload);
/* An upload without data is right: the image has properties only, or its rule allows it. */
bool upload_may_be_empty(const struct image_check *check);
/* An audit rule that was chosen by size while other rules enforce. */
bool upload_chosen_by_size(const struct upload_flow *upload);
struct body_limits upload_limits(const struct upload_flow *upload);
/* How strict the checks of the data are, by the decision. */
struct check_levels upload_checks(const struct upload_flow *upload);

/* unpack.c: the body is open, and the image in it has another size than the head says. */
bool upload_is_to_be_unpacked(const struct upload_flow *upload); /* the policy does not know yet */
enum step_result upload_unpack(struct upload_flow *upload);      /* asks it again, once */
/* The size is that of the data as it is sent, which has a length: it is read once more. */
void upload_forget_unpacked(struct upload_flow *upload);

/* check_capacity.c */
enum step_result upload_check_capacity(struct exchange *x);
/* While it is spooled, and has `so_far` bytes. Does not wait: refuses what does not fit already,
 * and asks for what the step above will need. */
enum step_result upload_judge_spooled_capacity(struct upload_flow *upload, uint64_t so_far);

/* check_quota.c */
enum step_result upload_check_quota_early(struct exchange *x); /* if the usage is known soon */
enum step_result upload_reserve_quota(struct exchange *x);     /* once it is known */
enum step_result upload_count_quota(struct exchange *x);
/* As upload_judge_spooled_capacity(). */
enum step_result upload_judge_spooled_quota(struct upload_flow *upload, uint64_t so_far);
void upload_release_quota(struct upload_flow *upload); /* may be repeated */

/* body.c */
bool upload_make_body(struct upload_flow *upload); /* false: no memory */
enum step_result upload_prepare(struct exchange *x);
enum step_result upload_reevaluate(struct exchange *x);
bool upload_take_more(struct exchange *x); /* before libmicrohttpd has to buffer it */
enum step_result upload_refuse_body(struct upload_flow *upload); /* for the body's own reason */
/* Goes back to the step `prepare`: the data is read from the file once more. */
enum step_result upload_prepare_again(struct upload_flow *upload);

/* The body can go on. */
static inline void upload_wake(struct upload_flow *upload)
{
    if (upload->x.glance.transfer)
        transfer_write_on(upload->x.glance.transfer);
    else
        exchange_wake(&upload->x);
}

/* source.c: as client_read() and client_splice(); the context is the upload. */
ssize_t upload_source_read(void *context, void *into, size_t room);
ssize_t upload_source_splice(void *context, int pipe, size_t room);

/* Before upload_source_read(): reads and drops what the client sends again. 1: the body goes on.
 * Else as upload_source_read(); STREAM_REFUSED: it is another file, and the exchange is refused. */
ssize_t upload_drop_repeated(struct upload_flow *upload);

/* repeated.c: what a client sends again, for source.c. */
bool upload_keeps_sums(const struct upload_flow *upload);  /* for that, without a file */
bool upload_can_compare(const struct upload_flow *upload); /* else it must not come again */
void upload_expect_repeated(struct upload_flow *upload, uint64_t first); /* from this place on */
/* Compares what was put. 1: it is the same, and the next bytes may be put. STREAM_WAIT: the upload
 * is woken. STREAM_REFUSED: it differs, or cannot be compared. */
int upload_compare_repeated(struct upload_flow *upload);
char *upload_repeated_room(struct upload_flow *upload, size_t *room); /* for the next bytes */
void upload_put_repeated(struct upload_flow *upload, size_t count);
void upload_end_repeated(struct upload_flow *upload); /* may be repeated */

/* source_socket.c */
/* The body goes on with what this client brings. Takes over the reference. */
void upload_source_set(struct upload_flow *upload, struct resumption *resumption);
/* There is no source any more. Returns the reference; NULL: there was no resumption. */
struct resumption *upload_source_clear(struct upload_flow *upload);

/* continue.c: a request that goes on with a dormant upload. */
bool upload_continues(const struct exchange_parts *parts, const struct client *client,
                      const struct request_facts *request);
bool upload_is_continuation(const struct exchange *x); /* as it was when the request came */
enum step_result upload_admit_continuation(struct exchange *x);
/* Whether the file, which is open, is what the request goes on with. */
enum step_result upload_check_continued(struct upload_flow *upload);
enum step_result upload_refuse_at(struct upload_flow *upload, enum refusal reason, uint64_t offset,
                                  const char *detail);

/* keep_file.c: an upload that is kept on disk. */
bool upload_is_to_be_kept(const struct upload_flow *upload); /* before it has a file */
static inline bool upload_is_kept(const struct upload_flow *upload)
{
    return upload->keep.file != NULL;
}
/* Whether what has come is in the file. False: it will be, and the upload is woken. */
bool upload_flush_kept(struct upload_flow *upload);
void upload_save_kept(struct upload_flow *upload); /* its state, soon */
/* As body_plan has it: the data from the file, or while the opening is checked from that. */
ssize_t upload_read_kept(void *context, void *into, size_t room);
/* Bytes that a client is told of. The last one is told only when Glance has taken it. */
uint64_t upload_told_offset(const struct upload_flow *upload);
bool upload_may_rewind_kept(const struct upload_flow *upload);
void upload_rewind_kept(struct upload_flow *upload);

/* keep.c */
enum step_result upload_open_kept(struct exchange *x);
enum step_result upload_collect(struct exchange *x); /* until the file has all data */

/* keep_end.c */
void upload_end_kept(struct upload_flow *upload); /* may be repeated */

/* opening.c: the first bytes of a kept upload. */
void upload_open_opening(struct upload_flow *upload); /* if the upload begins now */
void upload_put_opening(struct upload_flow *upload, const void *bytes, size_t count);
enum step_result upload_judge_opening(struct upload_flow *upload); /* once they are there */
void upload_close_opening(struct upload_flow *upload);             /* may be repeated */

/* part.c */
/* All bytes of this request have come, and the image has more. The client gets its answer. False:
 * the body cannot go on. */
bool upload_end_part(struct upload_flow *upload);

/* hold.c */
enum { HOLD_MIN = 1 << 20 }; /* bytes that are worth it */
bool upload_can_hold(const struct upload_flow *upload);
void upload_begin_hold(struct upload_flow *upload); /* it has no client any more */
/* Why the upload, which has a client, cannot be resumed: a clause, or "" if nobody expects it.
 * NULL: it can. */
const char *upload_not_resumable(const struct upload_flow *upload);
/* When the upload is sent: it can be found from now on. */
void upload_hold_prepare(struct upload_flow *upload); /* may be repeated */
/* The state for `/uploads`, unless the upload is held. */
void upload_set_state(struct upload_flow *upload, enum record_state state);
/* Its client, if it has one, is lost. False: it cannot be held. */
bool upload_hold(struct upload_flow *upload, enum client_loss why);
void upload_hold_end(struct upload_flow *upload); /* may be repeated */
/* `reply` NULL: it is refused. False: no resumption waits for the answer. */
bool upload_answer_resumption(struct exchange *x, struct reply *reply);

/* hold_window.c */
/* clock_wall_ms() of the end of its window. While it has a client: if that were lost now. */
uint64_t upload_window_end(const struct upload_flow *upload);
void upload_set_window(struct upload_flow *upload); /* it has lost its client */

/* hold_end.c */
/* The upload goes on without a client: its own, or that of the resumption. */
void upload_leave_client(struct upload_flow *upload);
void upload_leave_resumption(struct upload_flow *upload, enum refusal reason, const char *detail);
/* Ends it, and what is on disk. The owner is the upload; `why` completes "dropped: ". */
void upload_drop(void *owner, const char *why);
void upload_drain(struct exchange *x);

/* who_may.c: asks Glance whether the caller may upload to the image, which is `saving` or `queued`.
 * Passes Glance's refusal on. */
enum step_result upload_ask_who_may(struct exchange *x, const struct image_check *check);

/* replace.c: a whole upload takes the place of one that is held. */
enum step_result upload_may_replace(struct exchange *x);
enum step_result upload_replace(struct exchange *x);

/* waiting.c */
/* Called by a step that waits for what other uploads have, each time it runs. Refuses the upload
 * after `limit_ms` (UINT64_MAX: never), or if the proxy stops. */
enum step_result upload_wait_at_most(struct upload_flow *upload, uint64_t limit_ms);
void upload_end_wait(struct upload_flow *upload); /* may be repeated */

/* wait_share.c */
enum step_result upload_wait_share(struct exchange *x);  /* also enters the record */
enum step_result upload_take_share(struct exchange *x);  /* does not; one that it has stays */
void upload_give_share_back(struct upload_flow *upload); /* may be repeated */

/* throttle.c: for source.c. */
/* How many of `room` bytes may be read now. 0: a timer will wake the upload. */
size_t upload_throttle_room(struct upload_flow *upload, size_t room);
/* What was read, or a STREAM_ code, which it returns. */
ssize_t upload_throttle_took(struct upload_flow *upload, ssize_t got);
void upload_throttle_end(struct upload_flow *upload); /* may be repeated */

/* wait_place.c */
enum step_result upload_wait_place_early(struct exchange *x); /* unless it is spooled first */
enum step_result upload_wait_place(struct exchange *x);       /* if it has no place yet */
void upload_give_place_back(struct upload_flow *upload);      /* may be repeated */
/* The endpoint could not be reached. True: there is another one, see upload_queue_again(). */
bool upload_may_go_elsewhere(struct upload_flow *upload);
enum step_result upload_queue_again(struct upload_flow *upload); /* goes back to the second wait */

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

/* resend.c */
/* Glance broke off, and the image can be sent again if Glance has nothing of it. */
bool upload_may_resend(const struct upload_flow *upload);
enum step_result upload_resend(struct upload_flow *upload); /* goes back to the wait for a place */

/* find_outcome.c */
enum step_result upload_find_outcome(struct upload_flow *upload);

/* upload.c */
/* The record gets what became of the upload. False: no memory. */
bool upload_conclude(struct exchange *x);
enum step_result upload_answer(struct exchange *x); /* Glance's own */

/* late_refusal.c */
unsigned late_refusals_expected(const struct upload_flow *upload); /* as struct body_plan has it */
/* Whether the answer is that of a Glance that checks the format after storing the data. */
bool is_late_refusal(const struct upload_flow *upload);
enum step_result late_refusal_see_image(struct upload_flow *upload); /* at the image after that */
void late_refusal_learn_taken(struct upload_flow *upload); /* Glance has taken the upload */

#endif
