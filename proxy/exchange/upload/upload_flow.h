/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an upload. */
#ifndef UPLOAD_FLOW_H
#define UPLOAD_FLOW_H

#include "exchange/upload/image_check.h"
#include "intake/body.h"
#include "intake/capacity.h"
#include "intake/promises.h"
#include "intake/quota_reservations.h"
#include "intake/stores.h"
#include "intake/usage_questions.h"
#include "net/socket.h"

struct block_comparison;
struct held_upload;
struct kept_reader;
struct kept_upload;
struct resumption;

/* What the head of the upload tells. */
struct upload_head {
    bool empty;         /* there is no data */
    bool no_length;     /* neither a length nor a promise */
    bool declared_form; /* Content-Type: multipart/form-data */
    bool promised;      /* x-openstack-image-size: `promise` bytes */
    uint64_t promise;
    unsigned fixes;           /* enum record_fix, as far as the head tells */
    struct promises promises; /* digests of the body as it is sent */
};

/* The project's quota. */
struct quota_check {
    struct usage_account *account; /* NULL: the quota is not checked */
    struct usage_waiter waiter;
    struct usage_answer answer; /* that counts now; number 0: there is none */
    uint64_t arrived;           /* the latest question when the upload came */
    uint64_t after;             /* only an answer to a later question than this one counts */
    uint64_t own; /* the latest question that this upload has sent, until it is answered; 0: none */
    uint64_t deadline_ms;   /* clock_ms(); no answer is awaited after it. 0: none is awaited */
    bool gave_up;           /* no newer answer is awaited */
    bool counted;           /* as an upload of the account */
    unsigned asked_again;   /* how often, since stored bytes decided */
    uint64_t wait_began_ms; /* clock_ms() of a wait for other uploads; 0: none */
    struct quota_reservation reservation;
};

/* The latest question to the bucket of a store. */
struct bucket_question {
    struct fetch fetch;
    const struct policy_store *store; /* borrowed. NULL: none was asked */
    uint64_t asked_ms;                /* clock_ms() */
    uint64_t ended;                   /* capacity_ended() when it was asked */
    bool answered;
    struct bucket_facts facts; /* the answer */
};

/* The capacity of the store. */
struct capacity_check {
    struct bucket_question question;
    struct capacity_reservation reservation;
    const struct policy_store *store; /* the latest check was for this store, borrowed, */
    uint64_t size;                    /* and for this size; 0: not known */
    unsigned asked_again;             /* during this check, since the answer was out of date */
    uint64_t wait_began_ms; /* clock_ms() of the wait for uploads at other proxies; 0: none */
};

/* The wait for what other uploads have. */
struct wait_state {
    uint64_t began_ms; /* clock_ms() */
    struct list place; /* in the worker's list, while it waits */
};

/* The share of what its project and its client may do at one time. */
struct share_state {
    struct share_ticket *ticket; /* NULL: it is not limited, or has none yet */
    struct timer timer;          /* set while its reading is slowed */
};

/* The place at an endpoint of Glance. */
struct queue_state {
    struct upload_ticket *ticket; /* NULL: it has no place, and does not wait for one */
    bool limited;                 /* the transfer must stay at the endpoint of the place */
    unsigned tried;               /* a bit for each endpoint that could not be reached */
};

enum send_phase {
    SEND_NOT_BEGUN,
    SEND_FIRST_BYTES, /* the rest is held back until Glance reads the body */
    SEND_ALL
};

struct send_state {
    enum send_phase phase;
    bool continued;        /* Glance has said 100 Continue */
    bool as_octets;        /* as application/octet-stream, the one type that Glance takes */
    uint64_t last_sent_ms; /* clock_ms() of the latest block of the body */
};

/* The image's status is asked for repeatedly, while the upload is sent or afterwards. */
struct poll_state {
    struct timer timer; /* of the next question */
    bool due;           /* it has fired */
    uint64_t began_ms;  /* clock_ms() */
    uint64_t wait_ms;   /* before the latest question */
};

enum source_kind {
    SOURCE_CLIENT,     /* the client that began the upload */
    SOURCE_RESUMPTION, /* a client that goes on with it */
    SOURCE_NONE        /* the upload is held */
};

/* What a client sends although it is here. */
struct repeated {
    uint64_t left;                 /* bytes that are still to come again. 0: none */
    char *bytes;                   /* those that were read last; NULL: it has not begun */
    size_t count, compared;        /* of them */
    struct block_comparison *sums; /* they are compared with checksums, */
    struct kept_reader *file;      /* or with the file */
};

/* Where the body comes from. */
struct upload_source {
    enum source_kind kind;
    uint64_t taken;      /* bytes of the body, from all clients */
    struct buffer again; /* bytes that were read to find the format, and come once more */
    size_t again_given;
    struct resumption *resumption; /* a reference; NULL: none */
    uint64_t left;                 /* bytes that it still has to bring */
    uint64_t brought;              /* bytes that the present client has brought */
    struct repeated repeated;      /* comes before the next bytes of the body */
    struct net_socket socket;      /* of the resumption */
    struct watch watch;
};

/* An upload that can be resumed. */
struct hold_state {
    struct held_upload *entry; /* in the list of all workers; NULL: it cannot be resumed */
    bool held;                 /* now */
    struct timer timer;        /* of the end of the window, while it is held */
    uint64_t until_ms;         /* clock_ms() of that end; 0: it was never held */
    uint64_t expires_wall_ms;  /* the same as clock_wall_ms() */
};

/* An upload that was created before its data came. */
struct creation {
    bool wanted;     /* it was: its data comes in parts, and each of them is held */
    uint64_t length; /* of all its parts together */
    enum resume_dialect dialect;
    bool continues;        /* the request goes on with a dormant upload: it brings */
    uint64_t first, count; /* these bytes, */
    uint64_t total;        /* of so many; 0: it does not say */
    bool tells_offset;     /* its refusal has `offset` */
    uint64_t offset;
};

/* The first bytes of a kept upload, until they are checked. */
struct opening {
    char *bytes; /* FORMAT_OPENING; NULL: they are not checked now */
    size_t count, read;
};

/* The file of an upload that is kept on disk until its data is whole (backing = spool). */
struct keep_state {
    struct kept_upload *file; /* NULL: it has none */
    uint64_t wait_began_ms;   /* clock_ms(); for the file, which another upload has. 0: no wait */
    struct opening opening;
    uint64_t saved; /* bytes that it had when its state was written last */
    enum keep_end { KEEP_UNDECIDED, KEEP_FILE, REMOVE_FILE } end; /* what becomes of the file */
};

/* What was found out after sending. */
struct outcome {
    enum refusal failure; /* of Glance; the image's state is found out before it is told */
    char detail[128];     /* of the failure */
    bool seen_queued;     /* once, after the failure */
    bool resent;          /* this was the second attempt */
    bool still_busy;      /* Glance has not finished with the image */
    char *hint;           /* for Glance's answer; owned; NULL: none */
};

struct upload_flow {
    struct exchange x; /* first: upload_of() needs that */
    struct image_check check;
    struct upload_head head;
    struct upload_size size;
    struct promises image_promises;  /* digests that the image's properties name */
    struct fetch algorithm_question; /* for an image that tells Glance's algorithm */
    char glance_hash[ALGORITHM_MAX + 1];
    struct body *body;                       /* NULL: before the step `prepare` */
    size_t warnings_noted, violations_noted; /* of the body's */
    struct quota_check quota;
    struct capacity_check capacity;
    bool unpacked;           /* `size` is that of the image in the data: see unpack.c */
    uint64_t sent_length;    /* of the data as it is sent; 0: not known */
    bool slow;               /* it comes slowly, and is on disk first */
    uint64_t spooled_judged; /* bytes that were on disk when quota and capacity were last judged */
    struct wait_state wait;
    struct share_state share;
    struct queue_state queue;
    uint64_t turn_wait_began_ms; /* clock_ms() */
    struct send_state send;
    struct upload_source source;
    struct creation creation;
    struct hold_state hold;
    struct keep_state keep;
    struct poll_state poll;
    struct outcome outcome;
};

static inline struct upload_flow *upload_of(struct exchange *x)
{
    return (struct upload_flow *)x;
}

/* The upload came to /upload/ (proxy/exchange/new_image/). */
static inline bool upload_makes_image(const struct upload_flow *upload)
{
    return upload->x.request.route.kind == ROUTE_NEW_IMAGE;
}

/* The id in Glance's answer: its database may find an image by an id in capital letters, too. */
static inline const char *upload_image_id(const struct upload_flow *upload)
{
    const char *id = upload->check.image.id;
    return id ? id : upload->x.request.route.image_id;
}

extern const struct exchange_kind UPLOAD_KIND;

/* What a kind of upload has in common with UPLOAD_KIND: its members of the same names. */
void upload_stop_asking(struct exchange *x);
void upload_release(struct exchange *x);
void upload_end(struct exchange *x);
void upload_describe(const struct exchange *x, struct refusal_context *out);

#endif
