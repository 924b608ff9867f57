/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the exchange share.
 *
 *   exchange.c        a request begins, runs through its steps, and ends
 *   refuse.c          it is refused, or answered
 *   upstream.c        the conversation with Glance: one transfer at a time, its answer collected
 *   upload.c          the steps of an upload: their order, and the short ones
 *   admit.c           its first: what the head alone tells
 *   preflight.c       what is asked of Glance before it
 *   check_image.c     is the image waiting for its data?
 *   decide.c          its policy
 *   check_capacity.c  is there room for it in the store?
 *   check_quota.c     and in what its project may keep?
 *   wait_turn.c       is another upload to the same image being sent?
 *   send.c            its body goes to Glance
 *   await_glance.c    all but its first bytes once Glance has begun to take it
 *   poll_image.c      the image is looked at, until it tells
 *   verify.c          is it stored as it was sent?
 *   glance_checks.c   what Glance refuses after storing it
 *   find_outcome.c    what has become of it after a failure, or without an answer
 *   upload_locks.c    one upload per image
 *   audit.c           what is refused, or, where the policy only watches, noted
 *   ingest.c          the steps of what leads data into a store without being an upload
 *   buffer_body.c     its body, held while it is judged
 *   buffer_shares.c   how much of that there is, and for whom
 *   import.c          the policy's part in an import
 *   cors.c            a refusal that a browser may read
 *   headers.c         the fields an upload sends on, and those its answer gets
 *   relay.c           the steps of everything else
 *   stream.c          its answer, on its way to the client while it comes
 */
#ifndef EXCHANGE_PRIV_H
#define EXCHANGE_PRIV_H

#include "intake/body.h"
#include "intake/buffered_fetch.h"
#include "intake/capacity.h"
#include "intake/exchange.h"
#include "intake/image.h"
#include "intake/loop.h"
#include "intake/policy.h"
#include "intake/promises.h"
#include "intake/quota_reservations.h"
#include "intake/record.h"
#include "intake/reply.h"
#include "intake/request.h"
#include "intake/stores.h"
#include "intake/transfer.h"
#include "intake/usage.h"
#include "intake/verify.h"
#include "net/relay_buffer.h"

struct upload_lock;
struct client;
struct exchange;

enum step_result {
    STEP_NEXT,
    STEP_WAIT,   /* for the client or Glance; the step runs again when either has moved */
    STEP_REFUSE, /* exchange_refuse_for() said why: answer that */
    STEP_END     /* nothing more to decide: answered, or there is nobody to answer */
};

/* The resume rule: a step is run when it is entered (`fresh`) and again whenever something may
 * have changed; it returns STEP_WAIT for as long as what it waits for is not there. */
struct step {
    const char *name;
    enum step_result (*run)(struct exchange *x);
};

extern const struct step UPLOAD_STEPS[];
extern const struct step RELAY_STEPS[];

/* How Glance's answer is taken. */
enum answer_mode { ANSWER_COLLECT, ANSWER_STREAM };

/* Whether what speaks against a request is refused or only noted. */
enum audit {
    AUDIT_OFF,
    AUDIT_UNDECIDED, /* some rules watch, and it is not known yet which one applies */
    AUDIT_ON
};

/* What one request holds of a worker's room for JSON. Zero-initialised: nothing, of a client that
 * Glance has not vouched for. */
struct share {
    struct holder *holder; /* NULL: a newcomer */
    size_t bytes;
};

enum { PENDING_MAX = 8 };

struct pending {
    enum refusal reason;
    char detail[256];
};

struct exchange {
    struct exchange_parts *parts;
    struct client *client; /* NULL: it is gone, and Glance is finishing */
    struct snapshot *snapshot;

    /* The products of the request stage. */
    char request_id[REQUEST_ID_MAX + 1];
    struct target target;
    struct route route;
    struct origin origin;

    /* The flow. */
    const struct step *step; /* NULL: over */
    bool entering;
    struct task run_task;
    struct timer step_timer; /* how long a step waits for what may not come */
    bool step_timer_fired;
    enum refusal refusal;
    char detail[512];
    enum audit audit;
    struct pending pending[PENDING_MAX]; /* with AUDIT_UNDECIDED */
    size_t pending_count;

    /* Glance. */
    struct transfer *transfer;
    bool head_seen;
    bool glance_done;
    enum transfer_result result;
    enum answer_mode mode;
    bool answer_too_long;
    bool answer_lost;    /* there was no memory to keep it */
    struct reply answer; /* Glance's, as it came */

    /* The client's body. */
    bool readable; /* the first byte, or the end, is there */
    bool client_lost;

    /* Of an upload. */
    bool empty;         /* the head says that it has no data */
    bool declared_form; /* Content-Type: multipart/form-data */
    bool promised;      /* x-openstack-image-size */
    uint64_t promise;
    bool size_known; /* the image's own, without an envelope */
    uint64_t size;
    bool size_comes;                          /* not known yet, but before a byte goes to Glance */
    unsigned head_fixes;                      /* enum record_fix, as far as the head tells */
    char *requested;                          /* the store the client asked for */
    struct promises promises, image_promises; /* of the body as it is sent; of the image */
    struct headers ask_fields; /* of every question to Glance: the caller's own token among them */
    struct fetch image_asked, usage_asked, stores_asked, bucket_asked;
    bool cors_tried;
    struct fetch cors_asked; /* for a refusal */
    struct image image;
    struct usage usage;
    char glance_hash[ALGORITHM_MAX + 1];
    uint64_t usage_mark;  /* of the sum of what was stored, when the usage was asked for */
    unsigned usage_asks;  /* how often again */
    uint64_t quota_began; /* clock_ms() of a wait for others; 0: there was none */
    struct quota_reservation reservation;
    struct upload_lock *upload_lock;
    uint64_t turn_began; /* clock_ms() */
    struct policy_decision decision;
    struct capacity_reservation room;
    const struct policy_store *room_store; /* what `room` was taken, or could not be had, for */
    uint64_t room_size;
    struct body *body;
    size_t warnings_noted, audited_noted;
    bool send_begun; /* Glance is being sent the upload, or was: it may end without the client */

    /* While it is sent. */
    bool begun;          /* Glance takes the body, or is to get it all the same */
    bool sent_as_octets; /* under the one type that Glance takes */
    bool continued;      /* it has said 100 Continue */
    uint64_t given_at;   /* clock_ms(): the last piece of the body */

    /* After it was sent. */
    enum refusal failure; /* of Glance's: what has become of the image is looked up first */
    char failure_detail[128];
    struct timer look; /* the next look at the image */
    bool look_due;
    uint64_t look_began; /* clock_ms() */
    uint64_t look_wait;  /* ms before the latest look */
    bool seen_queued, still_busy;
    char *hint;                    /* to an answer of Glance's; owned; NULL: none */
    bool answered_for;             /* Glance's answer was lost, and the image has told */
    struct request_record *record; /* until it is left to the registry */
    unsigned together;             /* its requests to Glance: see struct upstream_request */

    /* Of a door whose JSON is judged before Glance gets it. */
    struct buffer held;
    size_t held_given; /* to Glance */
    struct share share;
    bool unread; /* it is too long to be judged, and goes on all the same */
    enum import_change import_change;

    uint64_t relayed; /* bytes of a body that is not judged */
    bool too_long;    /* there are more of them than there may be */

    /* Of a relay whose answer is streamed. */
    struct relay_buffer relay_buffer;
    bool large; /* what comes of it is refused until it is known who reads the rest */

    struct exchange *next, *previous; /* among the orphans */
};

/* exchange.c */
void exchange_wake(struct exchange *x);
void exchange_wake_by(void *exchange);
void exchange_wait_at_most(struct exchange *x, uint64_t ms); /* then wakes it: `moment_over` */
bool exchange_begin_record(struct exchange *x, enum record_kind ingest); /* false: no memory */

/* refuse.c */
/* Notes the first reason; the runner answers it. A detail is a clause without a full stop. */
enum step_result exchange_refuse(struct exchange *x, enum refusal refusal);
enum step_result exchange_refuse_for(struct exchange *x, enum refusal refusal, const char *format,
                                     ...) __attribute__((format(printf, 3, 4)));
/* The fault is a parser's; if it is NO_MEMORY, the client is not blamed for it. */
enum step_result exchange_refuse_fault(struct exchange *x, enum refusal refusal, const char *fault);
enum step_result exchange_no_memory(struct exchange *x);
void exchange_answer_refusal(struct exchange *x);
void exchange_answer(struct exchange *x, struct reply *reply);
/* Puts X-Intake-Hint beside Glance's answer: a text like those of refusal.h. False: no memory. */
bool exchange_hint(struct exchange *x, const char *text, const char *detail);

/* audit.c: for everything that is recorded as an upload. */
void audit_begin(struct exchange *x);
bool audit_only(const struct exchange *x); /* nothing is to be changed or refused */
/* Refuses (STEP_REFUSE), or notes that it would have been refused (STEP_NEXT). What no policy can
 * let pass, an unsound head or a Glance that is not there, is refused by exchange_refuse(). */
enum step_result report_violation(struct exchange *x, enum refusal refusal);
enum step_result report_violation_for(struct exchange *x, enum refusal refusal, const char *format,
                                      ...) __attribute__((format(printf, 3, 4)));
/* `decision` is there: what was pending counts, or is noted. */
enum step_result audit_decided(struct exchange *x);

/* upstream.c */
extern const struct upstream_callbacks COLLECT; /* without a body to send */
bool glance_ask(struct exchange *x, const struct upstream_request *request,
                const struct upstream_callbacks *owner);
enum step_result glance_refuse(struct exchange *x);
void glance_head(void *owner, unsigned status, const struct headers *headers);
bool glance_collect(void *owner, const void *bytes, size_t count);
void glance_over(void *owner, enum transfer_result result, const char *detail);
bool glance_reply(struct exchange *x, struct reply *reply);

/* upload.c */
/* Its claim and its room are given back, and it is noted; may be repeated. */
void upload_release(struct exchange *x);
void upload_client_lost(struct exchange *x);
void upload_note(struct exchange *x); /* what the body has let pass since the last time */

/* The body has more to give while it is being prepared, and that was not all. Taken at once, before
 * libmicrohttpd has to put it aside. False: a step has to look. */
bool upload_takes_more(struct exchange *x);
enum step_result upload_pass_answer(struct exchange *x); /* Glance's, in x->answer */

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

/* cors.c: a refusal that is told to a browser. */
extern const struct step CORS_STEPS[];
bool cors_wanted(const struct exchange *x); /* and Glance has not been asked for it yet */
bool cors_tell(const struct exchange *x, struct headers *out); /* false: no memory */

/* poll_image.c */
struct poll_plan {
    bool later; /* the first look, too, comes after a wait */
    uint64_t timeout_ms;
    uint64_t wait_ms, wait_max_ms; /* between two looks: it doubles */
};

enum look {
    POLL_WAIT,
    POLL_SEEN,   /* `seen` is the caller's to free */
    POLL_GONE,   /* there is no such image any more */
    POLL_DENIED, /* its caller may not see it any more */
    POLL_FAILED  /* the patience ended without an answer to that */
};

enum look upload_poll(struct exchange *x, const struct poll_plan *plan, struct image *seen);
bool upload_poll_later(struct exchange *x, const struct poll_plan *plan); /* false: no more */

/* verify.c */
enum step_result upload_verify(struct exchange *x);
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
/* Notes that this request is under way, until upload_release(); objects if Glance is taking another
 * one's data. */
enum step_result upload_lock_image(struct exchange *x);
/* What Glance says of it now: after upload_lock_image(). */
enum step_result upload_check_status(struct exchange *x, const struct image *image);

/* decide.c: asks the policy by what is known now, and obeys. */
enum step_result upload_decide(struct exchange *x);
/* A size that is still to come could lead to another rule: the decision does not count yet. */
bool upload_decision_waits(const struct exchange *x);
/* Of the image and the client. The rest depends on the door. */
struct policy_facts upload_facts(const struct exchange *x);
enum step_result upload_report_size(struct exchange *x, uint64_t size, uint64_t max);
/* Objects to one that Glance does not have: it is the client's mistake if the client asked for it.
 */
enum step_result upload_look_for_store(struct exchange *x, const char *store, bool was_requested);
/* Without data it is no mistake: the image is one of properties, or its rule allows it. */
bool upload_may_be_empty(const struct exchange *x);
/* Of a rule that watches, but not all do: what was announced, or was not, has made it apply. */
bool upload_chosen_by_size(const struct exchange *x);
struct body_limits upload_limits(const struct exchange *x);
/* How strict a look at the data the decision wants. */
struct check_levels upload_checks(const struct exchange *x);

/* send.c */
enum step_result upload_send(struct exchange *x);
enum step_result upload_refuse_body(struct exchange *x); /* for the body's own reason */
enum step_result upload_drop_client(struct exchange *x);

/* await_glance.c */
void await_glance_begin(struct exchange *x); /* from here on; before the transfer */
size_t await_glance_room(const struct exchange *x,
                         size_t room);      /* how much of it may be given now */
void await_glance_continued(void *owner);   /* for the transfer */
void await_glance_step(struct exchange *x); /* whenever something has changed */
void await_glance_end(struct exchange *x);  /* it is waited for no more */

/* ingest.c */
bool ingest_applies(const struct exchange *x); /* by this request */
const struct step *ingest_steps(const struct exchange *x);
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail);

/* buffer_body.c */
enum step_result buffer_body(struct exchange *x);
size_t buffer_body_read(struct exchange *x, void *into, size_t room); /* 0: no more is held */
void buffer_body_end(struct exchange *x);

/* buffer_shares.c */
size_t buffer_share_room(const struct holders *holders,
                         const struct share *share); /* for more bytes */
void buffer_share_add(struct holders *holders, struct share *share, size_t bytes);
/* Glance knows the client at this address: it may hold more, if there is room. */
enum buffer_share_outcome { BUFFER_SHARE_KNOWN, BUFFER_SHARE_FULL, BUFFER_SHARE_NO_MEMORY };
enum buffer_share_outcome buffer_share_vouch(struct holders *holders, struct share *share,
                                             const char *address);
void buffer_share_end(struct holders *holders, struct share *share);

/* import.c */
enum step_result import_begin(struct exchange *x);
enum step_result import_judge(struct exchange *x);
bool import_fields(const struct exchange *x, struct headers *out); /* as Glance is to get them */

/* relay.c */
bool relay_has_body(const struct exchange *x);
enum step_result relay_send_continue(struct exchange *x);
enum step_result relay_forward(struct exchange *x);
bool relay_reply(struct exchange *x, struct reply *reply); /* for the client; false: no memory */

/* stream.c */
enum answer_mode stream_mode(struct exchange *x, unsigned status, const struct headers *fields);
bool stream_open(struct exchange *x, unsigned status); /* before any piece; false: no memory */
bool stream_put(struct exchange *x, const void *bytes, size_t count); /* false: not now */
enum step_result stream_answer(struct exchange *x);

/* headers.c */
bool headers_for_preflight(const struct exchange *x, struct headers *out);
bool headers_for_upload(struct exchange *x, struct headers *out);
bool headers_of_answer(struct exchange *x, struct headers *out);

#endif
