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
#include "intake/usage.h"

/* What the head of the upload tells. */
struct upload_head {
    bool empty;         /* there is no data */
    bool declared_form; /* Content-Type: multipart/form-data */
    bool promised;      /* x-openstack-image-size: `promise` bytes */
    uint64_t promise;
    unsigned fixes;           /* enum record_fix, as far as the head tells */
    struct promises promises; /* digests of the body as it is sent */
};

/* The project's quota. */
struct quota_check {
    struct fetch question; /* for the usage */
    struct usage usage;
    uint64_t mark;          /* quota_reservations_mark() when the usage was asked for */
    unsigned asked_again;   /* how many times */
    uint64_t wait_began_ms; /* clock_ms() of a wait for other uploads; 0: none */
    struct quota_reservation reservation;
};

/* The capacity of the store. */
struct capacity_check {
    struct fetch question; /* to the store's bucket */
    struct capacity_reservation reservation;
    const struct policy_store *store; /* the latest check was for this store, borrowed, */
    uint64_t size;                    /* and for this size; 0: not known */
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

/* What was found out after sending. */
struct outcome {
    enum refusal failure; /* of Glance; the image's state is found out before it is told */
    char detail[128];     /* of the failure */
    bool seen_queued;     /* once, after the whole body was sent */
    bool still_busy;      /* Glance has not finished with the image */
    char *hint;           /* for Glance's answer; owned; NULL: none */
};

struct upload_flow {
    struct exchange x; /* first: upload_of() needs that */
    struct image_check check;
    struct upload_head head;
    struct upload_size size;
    struct promises image_promises; /* digests that the image's properties name */
    char glance_hash[ALGORITHM_MAX + 1];
    struct body *body;                       /* NULL: before the step `prepare` */
    size_t warnings_noted, violations_noted; /* of the body's */
    struct quota_check quota;
    struct capacity_check capacity;
    uint64_t turn_wait_began_ms; /* clock_ms() */
    struct send_state send;
    struct poll_state poll;
    struct outcome outcome;
};

static inline struct upload_flow *upload_of(struct exchange *x)
{
    return (struct upload_flow *)x;
}

extern const struct exchange_kind UPLOAD_KIND;

#endif
