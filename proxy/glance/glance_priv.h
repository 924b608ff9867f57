/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Glance edge share.
 *
 *   multi.c       libcurl's multi handle in the worker's loop
 *   endpoints.c   which Glance is tried next
 *   transfer.c    one request, from its start to its end
 *   order.c       what libcurl is told about it
 *   callbacks.c   what libcurl calls meanwhile
 *   patience.c    how long Glance may do nothing
 */
#ifndef GLANCE_PRIV_H
#define GLANCE_PRIV_H

#include "intake/headers.h"
#include "intake/loop.h"
#include "intake/transfer.h"

#include <curl/curl.h>

enum { POOLED_HANDLES = 64, ENDPOINTS_MAX = 16, ELSEWHERE = -1 /* not an endpoint of Glance's */ };

struct glance {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;   /* libcurl's */
    uint64_t timer_due;   /* clock_ms() */
    struct task set_late; /* sets it, once there is memory for that */
    struct task reap;     /* looks for ended transfers, after libcurl has returned */
    struct transfer *all; /* in progress */
    CURL *pool[POOLED_HANDLES];
    size_t pooled;
    uint64_t dead_until[ENDPOINTS_MAX]; /* clock_ms(), by place in the list */
};

struct transfer {
    struct glance *glance;
    const struct settings *settings;
    const struct transfer_owner *owner;
    void *context;

    CURL *easy;
    struct curl_slist *fields;
    bool has_keys; /* libcurl's handle does */
    enum framing framing;
    uint64_t length;
    uint64_t patience; /* ms; 0: as the settings say */
    unsigned tried;    /* a bit per endpoint */
    int endpoint;      /* or ELSEWHERE */
    curl_socket_t socket;

    struct headers answer; /* fields so far, of the head being received */
    unsigned status;
    bool head_told;

    uint64_t sent;
    bool pulled; /* the body was asked for: no other endpoint from here on */
    bool all_pulled;
    bool send_paused; /* pull said CLIENT_WAIT */
    bool read_paused; /* data said false */
    bool given_up;
    struct task unpause;
    struct task unwatched; /* there was no memory to watch its socket */
    struct task closed;    /* Glance has closed its side, and libcurl has not said so */
    bool closed_looked;    /* libcurl's messages were read since */

    struct timer timer;
    uint64_t progress; /* clock_ms() */
    curl_off_t moved;  /* bytes up and down at the last tick */
    int queued;        /* SIOCOUTQ at the last tick */
    char detail[CURL_ERROR_SIZE];
    struct transfer *next, *previous;
};

/* endpoints.c: `tried` has a bit per endpoint. -1: every one was tried. */
int endpoint_next(const struct glance *glance, size_t count, unsigned tried);
void endpoint_is_dead(struct glance *glance, int endpoint);
void endpoint_is_alive(struct glance *glance, int endpoint);

/* multi.c */
CURL *glance_take_handle(struct glance *glance);
void glance_give_handle(struct glance *glance, CURL *easy); /* NULL is fine */

/* Lets libcurl go on with one socket now, instead of at the next turn. */
void glance_drive(struct glance *glance, curl_socket_t socket, int flags);

/* transfer.c: told by multi.c */
void transfer_ended(struct transfer *transfer, CURLcode code);
void transfer_has_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_is_unwatched(struct transfer *transfer);

/* Takes it from libcurl, tells `done`, and frees. */
void transfer_finish(struct transfer *transfer, enum transfer_result result);

/* order.c: fills the easy handle. False: no memory. */
bool transfer_take_order(struct transfer *transfer, const struct transfer_order *order);

/* callbacks.c: for libcurl, which gives them the transfer. */
size_t transfer_on_header(char *bytes, size_t size, size_t count, void *context);
size_t transfer_on_data(char *bytes, size_t size, size_t count, void *context);
size_t transfer_on_pull(char *into, size_t size, size_t count, void *context);

/* patience.c */
void transfer_tick(struct timer *timer);

#endif
