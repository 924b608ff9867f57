/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds of exchanges share, for the files of proxy/exchange/.
 *
 *   exchange.c            the client's events: a request begins, gets its kind, ends
 *   core/request.c        reads what the head says
 *   core/run.c            runs the steps of any kind
 *   core/wake.c           makes a step run again
 *   core/refuse.c         refuses or answers
 *   core/audit.c          reports violations: refused, or in audit mode only noted
 *   core/cors.c           the CORS fields of a refusal
 *   core/record.c         the request record
 *   core/say.c            what the log says about a request
 *   core/headers.c        headers for Glance and for the client that all kinds share
 *   core/resume_fields.c  fields of answers about an upload that can be resumed
 *   core/log_in.c         a login at Keystone
 *   core/conversation.c   the conversation with Glance: one transfer at a time
 *
 * Each kind has a folder, and a state that begins with a struct exchange:
 *
 *   upload/               struct upload_flow (upload_flow.h); upload.c lists the steps
 *   relay/                struct relay_flow (relay_steps.h): all requests without a policy
 *   new_image/            struct new_image_flow (new_image_flow.h): uploads that make an image
 *   page/                 struct token_flow (page_kinds.h): the upload page, and its logins
 *   ingest/               struct ingest_flow (ingest_steps.h): imports, updates, locations, tasks
 */
#ifndef EXCHANGE_PRIV_H
#define EXCHANGE_PRIV_H

#include "intake/buffered_fetch.h"
#include "intake/client.h"
#include "intake/exchange.h"
#include "intake/list.h"
#include "intake/log.h"
#include "intake/loop.h"
#include "intake/record.h"
#include "intake/reply.h"
#include "intake/request.h"
#include "intake/transfer.h"

struct client;
struct exchange;

enum step_result {
    STEP_NEXT,
    STEP_WAIT,   /* for the client, Glance or a timer; the step runs again when one has moved */
    STEP_REFUSE, /* exchange_refuse_for() said why: answer that */
    STEP_END,    /* the client has its answer, or there is nobody to answer */
    STEP_ENTERED /* the step has entered another one with exchange_enter() */
};

/* The resume rule: a step runs when it is entered (`entering`), and again whenever something may
 * have changed. It returns STEP_WAIT as long as it has to wait. */
struct step {
    const char *name;
    enum step_result (*run)(struct exchange *x);
};

/* What differs between the kinds of requests. All functions may be NULL. */
struct exchange_kind {
    size_t size; /* of its state, which begins with a struct exchange */
    const struct step *steps;
    /* Called before the first step. False: no memory. */
    bool (*begin)(struct exchange *x);
    /* The client can send more of its body. True: it was read, and no step has to run. */
    bool (*take_more)(struct exchange *x);
    /* Whether the exchange continues when its client has left. */
    bool (*outlives_client)(const struct exchange *x);
    /* Its client is lost in the middle of the body. True: the exchange has left its client, and
     * waits for another one. */
    bool (*hold)(struct exchange *x, enum client_loss why);
    /* The proxy is stopping: ends the exchange if it only waits for a client. */
    void (*drain)(struct exchange *x);
    /* Answers, or (`reply` NULL) refuses, somebody else than the client. False: there is nobody. */
    bool (*answer)(struct exchange *x, struct reply *reply);
    /* Adds fields to a refusal, and to an answer of Glance's that is passed on. False: no memory.
     */
    bool (*add_to_answer)(const struct exchange *x, struct headers *out);
    /* Ends its questions to Glance and its timers. May be repeated. */
    void (*stop_asking)(struct exchange *x);
    /* Gives back what it has reserved, when the record is closed. May be repeated. */
    void (*release)(struct exchange *x);
    /* Frees the members that the kind adds to struct exchange. */
    void (*end)(struct exchange *x);
    /* Adds its X-Intake fields to an answer that has a record. False: no memory. */
    bool (*add_headers)(const struct exchange *x, struct headers *out);
    /* Adds what is known of the image to the facts for a refusal's text. */
    void (*describe)(const struct exchange *x, struct refusal_context *out);
};

/* What the head says, and who sent it. Owned: request_free(). */
struct request_facts {
    char id[REQUEST_ID_MAX + 1];
    char trace_id[TRACE_ID_LENGTH + 1]; /* "": none */
    struct target target;
    struct route route;
    struct origin origin;
};

/* Why a request is refused: the first reason that was found. */
struct refusal_note {
    enum refusal reason; /* REFUSAL_NONE: it is not refused */
    char detail[512];    /* a clause without a full stop, or "" */
    bool resumable;      /* the upload is held, and the answer says how to go on with it */
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
    struct reply answer;    /* as Glance sent it; status 0: its head has not come */
    unsigned same_endpoint; /* for `together` of struct upstream_request */
};

/* The question for the CORS fields of a refusal. */
struct cors_state {
    bool tried;
    struct fetch question;
};

/* What the client has got, for the log. */
struct answer_facts {
    unsigned status; /* 0: no answer was begun */
    uint64_t sent;   /* bytes of its body */
    bool whole;      /* all of it was sent */
};

/* The part that all kinds have. It owns all but `parts` and `client`. */
struct exchange {
    struct exchange_parts *parts;
    struct client *client;     /* NULL: it has left, and Glance is finishing */
    struct snapshot *snapshot; /* a reference, taken at the beginning */
    struct request_facts request;
    const struct exchange_kind *kind;
    char *token; /* that a login gave, and that Glance gets; NULL: the client's own */

    const struct step *step; /* NULL: over */
    bool entering;           /* the step has not run yet */
    struct task run_task;
    struct timer step_timer; /* limits how long a step waits */
    bool step_timer_fired;

    struct refusal_note refused;
    struct audit_state audit;
    struct cors_state cors;
    struct conversation glance;
    bool body_readable;            /* the first byte of the client's body, or its end, has come */
    bool client_lost;              /* in the middle of its body */
    struct request_record *record; /* NULL: none, or closed */
    bool recorded;                 /* it has, or had, a record */
    struct answer_facts answer;
    uint64_t began;     /* clock_ms() */
    struct list orphan; /* its place in the worker's list, once its client has left */
};

/* request.c */
/* Reads the head of the client's request. False: `refused` says why it is refused. `out` is the
 * caller's to free in either case. */
bool request_read(const struct exchange_parts *parts, struct client *client,
                  struct request_facts *out, struct refusal_note *refused);
void request_free(struct request_facts *request);
bool request_has_body(const struct client *client); /* by the head */

/* wake.c */
/* Runs the current step in a task of the loop. */
void exchange_wake(struct exchange *x);
void exchange_wake_by(void *exchange);
/* Wakes it after `ms` at the latest, with `step_timer_fired` set; at once if there is no memory. */
void exchange_wait_at_most(struct exchange *x, uint64_t ms);

/* run.c */
/* Takes over `request`, also if it fails. NULL: no memory. */
struct exchange *exchange_new(struct exchange_parts *parts, struct client *client,
                              const struct exchange_kind *kind, struct request_facts *request);
void exchange_free(struct exchange *x);
void exchange_enter(struct exchange *x, const struct step *step);
void exchange_run(struct exchange *x);
void exchange_end_steps(struct exchange *x, enum step_result why);
void exchange_stop_asking(struct exchange *x); /* ends all questions to Glance; may be repeated */
void exchange_make_orphan(struct exchange *x); /* its client has left; the worker lists it */

/* record.c */
bool exchange_begin_record(struct exchange *x, enum record_kind kind); /* false: no memory */
void exchange_mark_aborted(struct exchange *x);                        /* if it has a record */
enum step_result exchange_drop_client(struct exchange *x); /* without an answer: it was lost */
/* Gives back what was reserved, and gives the record to the registry. May be repeated. */
void exchange_close_record(struct exchange *x);

/* FAILED or REFUSED. */
enum record_verdict exchange_verdict_of_refusal(enum refusal reason);

/* say.c */
/* Logs a sentence about the request, without a full stop. */
void request_say(const struct request_facts *request, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Logs the end of a request, if access_log asks for that. */
void exchange_say_end(const struct exchange *x);

/* refuse.c */
/* Note a reason unless there is one already. A detail is a clause without a full stop. */
void refusal_set(struct refusal_note *note, enum refusal reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `fault` is a parser's. NO_MEMORY is out_of_memory: the client is not blamed for it. */
void refusal_set_fault(struct refusal_note *note, const struct request_facts *request,
                       enum refusal reason, const char *fault);
/* Return STEP_REFUSE: the runner then answers the first reason. */
enum step_result exchange_refuse(struct exchange *x, enum refusal refusal);
enum step_result exchange_refuse_for(struct exchange *x, enum refusal refusal, const char *format,
                                     ...) __attribute__((format(printf, 3, 4)));
enum step_result exchange_no_memory(struct exchange *x);
void exchange_answer_refusal(struct exchange *x);
/* Answers the client with a refusal, and goes on without it. */
void exchange_tell_refusal(struct exchange *x, enum refusal reason, const char *detail);
void exchange_answer(struct exchange *x, struct reply *reply); /* frees the reply */
/* A text like those of refusal.h, for the client that waits. Owned by the caller. NULL: no client,
 * or no memory. */
char *exchange_hint(const struct exchange *x, const char *text, const char *detail);

/* audit.c: only for requests with a record. */
void audit_begin(struct exchange *x);
/* Nothing is changed or refused. */
static inline bool audit_only(const struct exchange *x)
{
    return x->audit.mode == AUDIT_ON;
}

/* Refuse (STEP_REFUSE), or note that it would have been refused (STEP_NEXT). What no policy can
 * allow, such as a malformed head or a Glance that does not answer, is for exchange_refuse(). */
enum step_result report_violation(struct exchange *x, enum refusal refusal);
enum step_result report_violation_for(struct exchange *x, enum refusal refusal, const char *format,
                                      ...) __attribute__((format(printf, 3, 4)));
/* The rule is known, and whether it is in audit mode: pending violations are refused or noted. */
enum step_result audit_decided(struct exchange *x, bool audit);

/* upstream.c */
/* Callbacks for a transfer whose owner is the exchange, and whose answer is collected. */
void glance_head(void *owner, unsigned status, const struct headers *headers);
bool glance_collect(void *owner, const void *bytes, size_t count);
void glance_over(void *owner, enum transfer_result result, const char *detail);
/* Starts a transfer. False: no memory. */
bool glance_ask(struct exchange *x, const struct upstream_request *request,
                const struct upstream_callbacks *owner);
/* Whether the head of the answer has come. */
static inline bool glance_has_answered(const struct exchange *x)
{
    return x->glance.answer.status != 0;
}

/* Refuses because Glance's answer cannot be passed on. */
enum step_result glance_refuse(struct exchange *x, enum transfer_result result,
                               enum answer_fault fault);
/* Makes Glance's answer ready for the client: end-to-end fields, URLs of this proxy, and the
 * request id. The body moves to `reply`. False: no memory. */
bool glance_reply(struct exchange *x, struct reply *reply);
enum step_result glance_pass_answer(struct exchange *x); /* to the client, with our fields */

/* cors.c */
extern const struct step CORS_STEPS[];
bool cors_wanted(const struct exchange *x); /* a browser waits, and Glance was not asked yet */
bool cors_copy(const struct headers *answer, struct headers *out); /* false: no memory */
bool cors_tell(const struct exchange *x, struct headers *out);     /* false: no memory */

/* headers.c */
/* The client's fields as Glance gets them. False: no memory. */
bool headers_for_glance(const struct exchange *x, struct headers *out);
/* The same for a GET that the proxy sends with the client's token: without what is about the body
 * or the answer of the client's request. */
bool headers_for_question(const struct exchange *x, struct headers *out);
/* Adds the X-Intake fields, if there is a record. Before the policy has decided there are none.
 * False: no memory. */
bool headers_of_answer(const struct exchange *x, struct headers *out);
/* Adds what the kind adds. False: no memory. */
static inline bool exchange_add_to_answer(const struct exchange *x, struct headers *out)
{
    return !x->kind->add_to_answer || x->kind->add_to_answer(x, out);
}

#endif
