/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the exchange share.
 *
 *   exchange.c            the client's events: a request begins, gets its kind, ends
 *   core/run.c            runs the steps of any kind
 *   core/wake.c           makes a step run again
 *   core/request.c        what the head says
 *   core/refuse.c         refuses or answers
 *   core/audit.c          what is refused, or in audit mode only noted
 *   core/cors.c           a refusal that a browser may read
 *   core/record.c         the record, and what is given back with it
 *   core/headers.c        headers for Glance, and headers of an upload's answer
 *   core/upstream.c       the conversation with Glance: one transfer at a time
 *
 *   upload/               upload.c has the steps, in their order
 *   ingest/ingest.c       the steps of imports, updates, locations and tasks
 *   ingest/import.c       the policy of an import
 *   ingest/report.c       their violations
 *   ingest/buffer_body.c  their JSON, held while it is checked
 *   ingest/buffer_shares.c  how much of it is held, and for which clients
 *   relay/relay.c         the steps of all other requests
 *   relay/stream.c        the answer's body, streamed
 *   relay/reply.c         the answer's head
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

/* The resume rule: a step is run when it is entered (`entering`) and again whenever something may
 * have changed; it returns STEP_WAIT for as long as what it waits for is not there. */
struct step {
    const char *name;
    enum step_result (*run)(struct exchange *x);
};

/* What is particular to a kind of request: the runner knows no step. All but the steps may be NULL.
 */
struct exchange_kind {
    const struct step *steps;
    /* The client has more of its body to give. True: it was taken, and no step has to run. */
    bool (*take_more)(struct exchange *x);
    /* It goes on to its end without its client. */
    bool (*outlives_client)(const struct exchange *x);
    /* Gives up its requests to Glance, the transfer aside. May be repeated. */
    void (*stop_asking)(struct exchange *x);
    /* Frees what is its own. */
    void (*end)(struct exchange *x);

    /* For a request that is passed on. */
    bool canonical; /* its path goes to Glance in the canonical spelling */
    /* Bytes of the body that were read before; 0: no more, the client has the rest. */
    size_t (*read_held)(struct exchange *x, void *into, size_t room);
    /* What it changes in the request's fields; false: no memory. */
    bool (*set_headers)(const struct exchange *x, struct headers *out);
};

extern const struct exchange_kind UPLOAD_KIND, RELAY_KIND;
const struct exchange_kind *
ingest_kind(const struct exchange *x); /* of an import, an update, ... */

/* How Glance's answer is taken. */
enum answer_mode { ANSWER_COLLECT, ANSWER_STREAM };

/* Why a request is refused: the first reason that was found. */
struct refusal_note {
    enum refusal reason; /* REFUSAL_NONE: it is not refused */
    char detail[512];    /* a clause without a full stop, or "" */
};

/* Whether violations are refused or only noted. */
enum audit {
    AUDIT_OFF,
    AUDIT_UNDECIDED, /* some rules only note them, and the rule is not known yet */
    AUDIT_ON
};

enum { PENDING_MAX = 8 };

struct pending_violation {
    enum refusal reason;
    char detail[256];
};

struct audit_state {
    enum audit mode;
    struct pending_violation pending[PENDING_MAX]; /* with AUDIT_UNDECIDED */
    size_t pending_count;
};

/* What the head says, and who sent it. */
struct request_facts {
    char id[REQUEST_ID_MAX + 1];
    struct target target;
    struct route route;
    struct origin origin;
};

/* Whether Glance's answer could be kept. */
enum answer_fault {
    ANSWER_WHOLE,
    ANSWER_TOO_LONG,
    ANSWER_LOST /* no memory */
};

/* The conversation with Glance: one transfer at a time. */
struct conversation {
    struct transfer *transfer; /* NULL: none is running */
    bool over;                 /* the latest transfer has ended, with `result` */
    enum transfer_result result;
    enum answer_fault fault;
    struct reply answer; /* as Glance sent it; status 0: its head has not come */
};

/* The CORS fields of a refusal. */
struct cors_state {
    bool tried;
    struct fetch question;
};

/* What one request holds of a worker's room for JSON. Zero-initialised: nothing, of a client that
 * Glance has not vouched for. */
struct share {
    struct holder *holder; /* NULL: a newcomer */
    size_t bytes;
};

struct exchange {
    struct exchange_parts *parts;
    struct client *client; /* NULL: it is gone, and Glance is finishing */
    struct snapshot *snapshot;

    struct request_facts request;
    const struct exchange_kind *kind; /* never NULL */
    const struct step *step;          /* NULL: over */
    bool entering;                    /* the step has not run yet */
    struct task run_task;
    struct timer step_timer; /* limits how long a step waits */
    bool step_timer_fired;
    struct refusal_note refused;
    struct audit_state audit;
    struct conversation glance;
    enum answer_mode mode;
    unsigned same_endpoint; /* for `together` of struct upstream_request */
    bool body_readable;     /* the first byte of the client's body, or its end, has come */
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
    struct cors_state cors;
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

/* wake.c */
void exchange_wake(struct exchange *x);
void exchange_wake_by(void *exchange);
void exchange_wait_at_most(struct exchange *x, uint64_t ms); /* then wakes it: `step_timer_fired` */

/* run.c */
struct exchange *exchange_new(struct exchange_parts *parts, struct client *client);
void exchange_free(struct exchange *x);
void exchange_enter(struct exchange *x, const struct step *step);
void exchange_run(struct exchange *x);
void exchange_end_steps(struct exchange *x, enum step_result why);
void exchange_stop_asking(struct exchange *x); /* of Glance, whatever it is; may be repeated */
void exchange_adopt(struct exchange *x); /* its client is gone: it is an orphan of the worker */

/* record.c */
bool exchange_begin_record(struct exchange *x, enum record_kind kind); /* false: no memory */
void exchange_mark_aborted(struct exchange *x);                        /* if it has a record */
/* What it has reserved is given back, and the record goes to the registry. May be repeated. */
void exchange_close_record(struct exchange *x);

/* request.c */
bool exchange_has_body(const struct exchange *x); /* by its head */

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
/* Nothing is to be changed or refused. */
static inline bool audit_only(const struct exchange *x)
{
    return x->audit.mode == AUDIT_ON;
}

/* Refuses (STEP_REFUSE), or notes that it would have been refused (STEP_NEXT). What no policy can
 * let pass, an unsound head or a Glance that is not there, is refused by exchange_refuse(). */
enum step_result report_violation(struct exchange *x, enum refusal refusal);
enum step_result report_violation_for(struct exchange *x, enum refusal refusal, const char *format,
                                      ...) __attribute__((format(printf, 3, 4)));
/* `decision` is there: what was pending counts, or is noted. */
enum step_result audit_decided(struct exchange *x);

/* upstream.c */
extern const struct upstream_callbacks COLLECT; /* without a body to send */
/* Whether the head of the answer has come. */
static inline bool glance_has_answered(const struct exchange *x)
{
    return x->glance.answer.status != 0;
}

bool glance_ask(struct exchange *x, const struct upstream_request *request,
                const struct upstream_callbacks *owner);
/* Refuses because Glance's answer cannot be passed on. */
enum step_result glance_refuse(struct exchange *x, enum transfer_result result,
                               enum answer_fault fault);
void glance_head(void *owner, unsigned status, const struct headers *headers);
bool glance_collect(void *owner, const void *bytes, size_t count);
void glance_over(void *owner, enum transfer_result result, const char *detail);
bool glance_reply(struct exchange *x, struct reply *reply);

/* cors.c: a refusal that is told to a browser. */
extern const struct step CORS_STEPS[];
bool cors_wanted(const struct exchange *x); /* and Glance has not been asked for it yet */
bool cors_tell(const struct exchange *x, struct headers *out); /* false: no memory */

/* headers.c */
bool headers_for_preflight(const struct exchange *x, struct headers *out);
bool headers_for_upload(struct exchange *x, struct headers *out);
bool headers_of_answer(struct exchange *x, struct headers *out);

#endif
